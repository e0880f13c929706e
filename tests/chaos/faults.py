"""What is done to a hub, one fault after the other, and what is promised for each.

A fault is a coroutine that breaks something and puts it back where nothing else would. It returns the moment
(monotonic, in s) from which the promised time counts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from time import monotonic

from tests.support.chaos.black_hole import BlackHole
from tests.support.chaos.crowd import Crowd
from tests.support.chaos.peers import EnvelopeRM
from tests.support.hub import GATEWAY, SECOND_GATEWAY, Hub, eventually

#: docs/architecture.md: a lease lasts 10 s, and whoever sweeps comes every 3 s.
GONE_WITHIN_S = 15.0
#: A ping every 30 s, and 40 s for the answer; then the sweep of sockets and a busy machine.
DEAD_PEER_WITHIN_S = 75.0
_MOMENT_S = 5.0


@dataclass(slots=True)
class Scene:
    """`holes` lie before the gateways, for those clients that are to be cut off: the `frail`."""

    hub: Hub
    crowd: Crowd
    holes: Sequence[BlackHole]
    frail: Sequence[EnvelopeRM]

    def connections(self) -> list[int]:
        return [peer.journal.connection for peer in self.crowd.peers]


Act = Callable[[Scene], Awaitable[float]]


@dataclass(frozen=True, slots=True)
class Fault:
    """`healthy_within_s`: from the act's moment on until everybody is served again."""

    name: str
    act: Act
    healthy_within_s: float = 30.0


async def kill_gateway(scene: Scene) -> float:
    """It stays away until its devices are back at the other one; nobody has to wait for it."""
    hub, begun_s = scene.hub, monotonic()
    (dead,) = {seat.process for seat in hub.bus.sessions() if f"-{hub.process(GATEWAY).pid}-" in seat.process}
    async with scene.crowd.crying_out():
        hub.kill(GATEWAY)
    await eventually(lambda: all(seat.process != dead for seat in hub.bus.sessions()), GONE_WITHIN_S)
    return begun_s


async def restart_gateway(scene: Scene) -> float:
    """Killed and at once started again, as an orchestrator does."""
    begun_s = monotonic()
    if GATEWAY not in scene.hub.alive():
        scene.hub.launch(GATEWAY)
        await eventually(lambda: scene.hub.is_ready(GATEWAY))
    async with scene.crowd.crying_out():
        scene.hub.kill(SECOND_GATEWAY)
    scene.hub.launch(SECOND_GATEWAY)
    return begun_s


def kill_worker(name: str) -> Act:
    async def act(scene: Scene) -> float:
        begun_s = monotonic()
        scene.hub.kill(name)
        scene.hub.launch(name)
        return begun_s

    return act


async def kill_pool_children(scene: Scene) -> float:
    begun_s = monotonic()
    for child in scene.hub.process("worker-cem").children(recursive=True):
        child.kill()
    return begun_s


async def pause_redis(scene: Scene) -> float:
    """For 3 s, which nobody's connection may notice."""
    before = scene.connections()
    await _pause(scene, 3.0)
    resumed_s = monotonic()
    await asyncio.sleep(_MOMENT_S)
    assert scene.connections() == before, "a short pause of Redis ended connections"
    return resumed_s


async def pause_redis_for_long(scene: Scene) -> float:
    """For 20 s: all leases end."""
    await _pause(scene, 20.0)
    return monotonic()


async def _pause(scene: Scene, seconds: float) -> None:
    redis = scene.hub.redis
    redis.suspend()
    try:
        await asyncio.sleep(seconds)
    finally:
        redis.resume()


async def empty_redis(scene: Scene) -> float:
    """While it holds what nobody has stored yet."""
    async with scene.crowd.crying_out():
        pass
    begun_s = monotonic()
    scene.hub.restart_redis_empty()
    return begun_s


async def cut_network(scene: Scene) -> float:
    """One half of the frail notices at once and comes back; the other is gone until its gateway notices."""
    begun_s = monotonic()
    back, gone = scene.frail[::2], scene.frail[1::2]
    for rm in gone:
        rm.freeze()
    for hole in scene.holes:
        hole.cut()
    for rm in back:
        rm.cut()
    await eventually(lambda: all(rm.healthy(begun_s) for rm in back), 30.0)
    links = {each.link_id for each in scene.crowd.hosted if each.rm in gone}
    links |= {each.link_id for each in scene.crowd.pairs if each.rm in gone}
    await eventually(
        lambda: not links & {seat.info.link_id for seat in scene.hub.bus.sessions()},
        DEAD_PEER_WITHIN_S + _MOMENT_S,
    )
    for rm in gone:
        rm.cut()
    return monotonic()


FAULTS = (
    Fault("kill a gateway, which stays away", kill_gateway),
    Fault("kill the other gateway, which is started again", restart_gateway),
    Fault("kill the children of the CEM worker", kill_pool_children),
    Fault("kill the CEM worker", kill_worker("worker-cem"), healthy_within_s=90.0),
    Fault("kill the planner", kill_worker("worker-plan"), healthy_within_s=90.0),
    Fault("kill the worker that stores", kill_worker("worker-default"), healthy_within_s=90.0),
    Fault("kill beat", kill_worker("beat")),
    Fault("pause Redis for 3 s", pause_redis),
    Fault("pause Redis for 20 s", pause_redis_for_long),
    Fault("restart Redis empty", empty_redis),
    Fault("cut the network of some devices without FIN", cut_network),
)
