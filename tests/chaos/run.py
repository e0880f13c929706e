"""One run: everybody connects, and then comes one fault after the other, each followed by an audit."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from time import monotonic

from tests.chaos.faults import FAULTS, Fault, Scene
from tests.support.chaos.audit import audit
from tests.support.chaos.black_hole import black_hole
from tests.support.chaos.crowd import Cast, Crowd, cast_for
from tests.support.hub import SECOND_GATEWAY, Hub
from tests.support.services import django_at

#: So many hosted devices, and as many of relayed links, are cut off when the network is.
FRAIL = 4
UP_WITHIN_S = 120.0
#: What may be wrong in all is told up to this many times.
_TOLD = 10

Say = Callable[[str], None]


class Run:
    """`through` returns whether all was well."""

    def __init__(self, hub: Hub, *, hosted: int, pairs: int, only: str, say: Say) -> None:
        self._hub = hub
        self._say = say
        self._known: set[str] = set()
        self._faults = [fault for fault in FAULTS if only in fault.name]
        with django_at(hub.database):
            self._cast: Cast = cast_for(hub, "Alder", hosted=hosted, pairs=pairs)

    async def through(self) -> bool:
        hub = self._hub
        hub.launch(SECOND_GATEWAY)
        hub.await_ready(SECOND_GATEWAY)
        clean = True
        async with AsyncExitStack() as stack:
            holes = [await stack.enter_async_context(black_hole(port)) for port in hub.ports.values()]
            crowd = Crowd(self._cast, lambda: list(hub.ports.values()))
            frail = [each.rm for each in crowd.hosted[:FRAIL]] + [each.rm for each in crowd.pairs[:FRAIL]]
            for rm in frail:
                rm.ports = lambda: [hole.port for hole in holes]
            began_s = monotonic()
            await stack.enter_async_context(crowd.living())
            took_s = await crowd.healthy(began_s, UP_WITHIN_S)
            self._say(f"{len(crowd.peers)} sessions are served after {took_s:.1f} s")
            scene = Scene(hub, crowd, holes, frail)
            for fault in self._faults:
                clean &= await self._try(fault, scene)
        return clean

    async def _try(self, fault: Fault, scene: Scene) -> bool:
        crowd = scene.crowd
        ends = sum(len(peer.journal.ends) for peer in crowd.peers)
        try:
            since_s = await fault.act(scene)
            took_s = await crowd.healthy(since_s, fault.healthy_within_s)
        except AssertionError as broken:
            self._say(f"{fault.name}: FAILED, {broken}")
            return False
        await crowd.quiet()
        verdict = await audit(self._hub, crowd, known=self._known)
        self._known |= set(verdict.breaches)
        crowd.speak()
        self._say(
            f"{fault.name}: healthy after {took_s:.1f} s (promised: {fault.healthy_within_s:g}),"
            f" {sum(len(peer.journal.ends) for peer in crowd.peers) - ends} connections ended;"
            f" acknowledged {verdict.acknowledged}, lost {len(verdict.lost)};"
            f" executed {verdict.executed}, twice {len(verdict.twice)}; foreign {len(verdict.foreign)}"
        )
        for breach in verdict.breaches[:_TOLD]:
            self._say(f"    {breach}")
        return not verdict.breaches
