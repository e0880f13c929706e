"""All clients of a chaos run: half of their sockets belong to links with a hosted CEM, half to relayed ones."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from pathlib import Path
from time import monotonic
from uuid import UUID

from django.test import override_settings

from flexhub.bus import end_id
from flexhub.devices.models import Site
from flexhub.devices.services import set_main_meter
from flexhub.load import registry
from flexhub.load.engine.targets import Target, read_targets
from s2.messages import EnergyManagementRole
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.support.chaos.peers import BuildingCEM, EnvelopeRM, Peer, Ports
from tests.support.hub import POLL_S, Hub
from tests.support.registry import make_device, make_tenant

PER_SITE = 10
REPORT_EVERY_S = 2.0
# Short of a flood: each offer of a hosted link is a task of a worker.
OFFER_EVERY_S = 15.0
BURST = 5
# A message that is answered TEMPORARY_ERROR is said again for 7 s; one that nobody answers is given up after 10.
QUIET_WITHIN_S = 30.0


@dataclass(frozen=True, slots=True)
class Cast:
    """Who signs in, and the link of each RM. A CEM's target names its RM as `peer`."""

    hosted: tuple[Target, ...]
    relayed: tuple[tuple[Target, Target], ...]
    links: dict[UUID, UUID] = field(repr=False)


def cast_for(hub: Hub, name: str, *, hosted: int, pairs: int) -> Cast:
    """Register so many devices with a tenant of their own. Django has to lead to the hub's database."""
    tenant = make_tenant(name)
    with tempfile.TemporaryDirectory() as folder, override_settings(REDIS_URL=hub.environment["REDIS_URL"]):
        own = _prepare(tenant, Path(folder) / "hosted", hosted, building_cems=False)
        _add_meters(tenant)
        both = _prepare(tenant, Path(folder) / "relayed", pairs, building_cems=True)
    cems = {target.peer: target for target in both if target.role is EnergyManagementRole.CEM}
    relayed = tuple((rm, cems[rm.node]) for rm in both if rm.role is EnergyManagementRole.RM)
    rows = hub.query("SELECT id, rm_node_id FROM devices_link WHERE tenant_id = %s", tenant.pk)
    return Cast(tuple(own), relayed, {row["rm_node_id"]: row["id"] for row in rows})


def _prepare(tenant: Tenant, out: Path, number: int, *, building_cems: bool) -> list[Target]:
    if not number:
        return []
    registry.prepare(tenant=tenant, number=number, per_site=PER_SITE, building_cems=building_cems, out=out)
    return read_targets(out)


def _add_meters(tenant: Tenant) -> None:
    """A main meter that is never there, lest each power of each device wake its energy manager."""
    with tenant_scope(tenant.pk):
        for site in list(Site.objects.filter(tenant=tenant)):
            set_main_meter(site=site, node=make_device(site, name="Meter").node)


@dataclass(frozen=True, slots=True)
class Hosted:
    """A link with a hosted CEM."""

    link_id: UUID
    rm: EnvelopeRM


@dataclass(frozen=True, slots=True)
class Pair:
    """A link with two remote ends."""

    link_id: UUID
    rm: EnvelopeRM
    cem: BuildingCEM

    @property
    def end_ids(self) -> tuple[UUID, UUID]:
        return end_id(self.link_id, "RM"), end_id(self.link_id, "CEM")


class Crowd:
    """`hosted` and `pairs` are the links. `speaking` is off while an audit needs quiet."""

    def __init__(self, cast: Cast, ports: Ports) -> None:
        self.hosted = [Hosted(cast.links[each.node], EnvelopeRM(each, ports)) for each in cast.hosted]
        self.pairs = [
            Pair(cast.links[rm.node], EnvelopeRM(rm, ports), BuildingCEM(cem, ports)) for rm, cem in cast.relayed
        ]
        self.speaking = True

    @cached_property
    def rms(self) -> list[EnvelopeRM]:
        return [each.rm for each in self.hosted] + [each.rm for each in self.pairs]

    @cached_property
    def peers(self) -> list[Peer]:
        return [*self.rms, *(pair.cem for pair in self.pairs)]

    # -- Life ----------------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def living(self) -> AsyncIterator[Crowd]:
        """All of them connect, and speak until the end."""
        lives = [asyncio.create_task(peer.live()) for peer in self.peers]
        lives.append(asyncio.create_task(self._speak()))
        try:
            yield self
        finally:
            for life in lives:
                life.cancel()
            ended = await asyncio.gather(*lives, return_exceptions=True)
        for error in ended:
            if isinstance(error, Exception):
                raise error

    async def _speak(self) -> None:
        """Every RM in its turn, so that there is always something on its way."""
        for turn in count():
            begun_s = monotonic()
            for place, rm in enumerate(self.rms):
                if self.speaking:
                    await rm.report()
                    if (turn + place) % round(OFFER_EVERY_S / REPORT_EVERY_S) == 0:
                        await rm.offer()
                await asyncio.sleep(max(0.0, begun_s + (place + 1) / len(self.rms) * REPORT_EVERY_S - monotonic()))

    @asynccontextmanager
    async def crying_out(self) -> AsyncIterator[None]:
        """Everybody speaks at once, and is in the middle of it: some of it was acknowledged just now."""
        before = [len(rm.journal.said) for rm in self.rms]
        cry = asyncio.gather(*(rm.report() for rm in self.rms for _ in range(BURST)))
        said = [list(rm.journal.said.values())[known:] for rm, known in zip(self.rms, before, strict=True)]
        while not any(note.ok for notes in said for note in notes) and not cry.done():
            await asyncio.sleep(0)
            said = [list(rm.journal.said.values())[known:] for rm, known in zip(self.rms, before, strict=True)]
        yield
        await cry

    # -- Waiting -------------------------------------------------------------------------------------------------------

    async def healthy(self, since_s: float, within_s: float, *, but: Sequence[Peer] = ()) -> float:
        """Wait until every RM's word counts again and it is told what to do; how long that took from `since_s` on."""
        asked_s = 0.0
        waiting = [rm for rm in self.rms if rm not in but]
        while waiting := [rm for rm in waiting if not rm.healthy(since_s)]:
            now_s = monotonic()
            if now_s > since_s + within_s:
                break
            if now_s > asked_s + 3.0:
                # Once more for those that are still without an answer: their offer may have been in the way of it.
                asked_s = now_s
                for rm in waiting:
                    if rm.done_at_s < since_s:
                        await rm.offer()
            await asyncio.sleep(POLL_S)
        took_s = monotonic() - since_s
        assert not waiting, f"{len(waiting)} are not healthy after {took_s:.1f} s: {_describe(waiting, since_s)}"
        return took_s

    async def quiet(self, *, but: Sequence[Peer] = ()) -> None:
        """Stop speaking, and wait until nothing is on its way."""
        self.speaking = False
        await _until(lambda: all(peer.idle for peer in self.peers if peer not in but), QUIET_WITHIN_S, "quiet")

    def speak(self) -> None:
        self.speaking = True


def _describe(rms: Sequence[EnvelopeRM], since_s: float) -> str:
    return "; ".join(
        f"{rm.target.node} opened={rm.opened} controlled={rm.controlled} told={rm.done_at_s >= since_s}"
        f" ends={[(end.code, end.reason) for end in rm.journal.ends[-3:]]}"
        for rm in rms[:5]
    )


async def _until(condition: Callable[[], bool], within_s: float, what: str) -> None:
    deadline = monotonic() + within_s
    while not condition():
        assert monotonic() < deadline, f"it is not {what} after {within_s:g} s"
        await asyncio.sleep(POLL_S)
