"""A home of the demo street with its CEM in virtual time: the demo's physics and Resource Managers, sessions, faults.

Nothing waits and nothing runs beside it, so three weeks take minutes. The physics goes in cells of five seconds as in
the demo; devices speak, and the CEM looks, every `TICK_S`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from uuid import UUID
from zoneinfo import ZoneInfo

from cem_service.domain.feed import FeedSeries, SeriesKind, SiteFeeds
from cem_service.domain.series import StepSeries
from cem_service.domain.site import SiteState
from cem_service.domain.tariff import Tariff
from flexhub.clock import Clock
from flexhub.demo.build import households
from flexhub.demo.config import HomeConfig
from flexhub.demo.resources import resources
from flexhub.gateway.limits import CEM_RELEASE_AFTER_S
from flexhub.telemetry.quarters import quarter_start
from tests.support.faults import Fault, Moody, Trouble
from tests.support.virtual_cem import Known, VirtualCEM
from tests.support.virtual_line import VirtualLine

TICK_S = 15.0
SWEEP = timedelta(minutes=1)
RELEASE_AFTER = timedelta(seconds=CEM_RELEASE_AFTER_S)
HISTORY = timedelta(days=7)
HOURS = 24
NOTHING_W = 50.0


@dataclass
class Means:
    """Quarter-hour means of one power, of the past week."""

    sums: dict[datetime, list[float]] = field(default_factory=lambda: defaultdict(lambda: [0.0, 0.0]))

    def add(self, now: datetime, power_w: float) -> None:
        entry = self.sums[quarter_start(now)]
        entry[0] += power_w
        entry[1] += 1.0
        for old in [at for at in list(self.sums)[:2] if at < now - HISTORY]:
            del self.sums[old]

    def until(self, now: datetime) -> dict[datetime, float]:
        return {at: total / number for at, (total, number) in self.sums.items() if at < quarter_start(now)}


class VirtualHome:
    def __init__(self, config: HomeConfig, start: datetime, faults: Sequence[Fault] = ()) -> None:
        self.config, self.start, self.now = config, start, start
        self.world = households(config, start.timestamp())
        self.faults = faults
        self.directions: dict[str, int] = {}
        self.turns: dict[str, int] = dict.fromkeys((device.kind for device in config.devices), 0)
        self._woken, self._looked_at = True, start
        self._fetched_at = start
        number = count(1)
        new_id = lambda: f"cem-{next(number)}"  # noqa: E731 - Too short for a name.
        links = {device.node_id: Known(device.name or device.kind) for device in config.devices}
        meter = next(device.node_id for device in config.devices if device.kind == "METER")
        self._means: dict[UUID, Means] = {link_id: Means() for link_id in links}
        self._meter = meter
        self.cem = VirtualCEM(self._surroundings, links, meter, new_id)
        self.lines = [
            VirtualLine(
                device.node_id, Moody(resource), self.cem, device.node_id == meter, new_id, self._wake, self.world.look
            )
            for device, resource in zip(config.devices, resources(config, self.world, Clock.system()), strict=True)
        ]

    def run(self, lasts: timedelta) -> VirtualHome:
        while self.now < self.start + lasts:
            self._step(self.now + timedelta(seconds=TICK_S))
        return self

    def _step(self, now: datetime) -> None:
        holding = [fault for fault in self.faults if fault.holds(now - self.start)]
        self.world.on.unreachable = frozenset(
            device.kind for device, line in zip(self.config.devices, self.lines, strict=True) if not line.controlling
        )
        self._advance(now, holding)
        self.now = now
        self._tick_lines(holding)
        if not any(fault.trouble is Trouble.FEED_GONE for fault in holding):
            self._fetched_at = now
        stopped = any(fault.trouble is Trouble.CEM_STOPPED for fault in holding)
        if not stopped and (self._woken or now - self._looked_at >= SWEEP):
            self._woken, self._looked_at = False, now
            self._decide()
        elif now - self._looked_at >= RELEASE_AFTER:
            for line in self.lines:
                line.release(now)
        self._note_powers()

    def _advance(self, now: datetime, holding: Sequence[Fault]) -> None:
        """Stops wherever a device is to act in between."""
        until_s = now.timestamp()
        while (due_s := self._next_due_s()) is not None and due_s <= until_s:
            self.world.advance(due_s)
            self.now = datetime.fromtimestamp(due_s, now.tzinfo)
            self._tick_lines(holding)
        self.world.advance(until_s)

    def _next_due_s(self) -> float | None:
        moments = [line.next_due_s() for line in self.lines]
        return min((each for each in moments if each is not None and each > self.world.time_s), default=None)

    def _tick_lines(self, holding: Sequence[Fault]) -> None:
        for place, line in enumerate(self.lines):
            line.tick(self.now, frozenset(fault.trouble for fault in holding if fault.device == place))

    def _decide(self) -> None:
        for line in self.lines:
            line.select(self.now)
        lines = {line.link_id: line for line in self.lines}
        for decision in self.cem.look(self.now):
            if not lines[decision.link_id].tell(decision, self.now):
                self.cem.undelivered(decision)

    def _wake(self) -> None:
        self._woken = True

    def _note_powers(self) -> None:
        """For the histories, and how often each device changes direction."""
        for device in self.config.devices:
            power_w = self.world.on.net_w if device.kind == "METER" else self.world.on.powers_w[device.kind]
            self._means[device.node_id].add(self.now, power_w)
            direction = 0 if abs(power_w) < NOTHING_W else 1 if power_w > 0 else -1
            if direction != self.directions.setdefault(device.kind, direction):
                self.directions[device.kind] = direction
                self.turns[device.kind] += 1

    def _surroundings(self, now: datetime) -> SiteState:
        means = {link_id: each.until(now) for link_id, each in self._means.items()}
        whole = means.pop(self._meter)
        base = {at: power_w - sum(series.get(at, 0.0) for series in means.values()) for at, power_w in whole.items()}
        prices = self.config.tariff
        buy, sell = (sum(each) / HOURS for each in (prices.import_eur_per_kwh, prices.export_eur_per_kwh))
        feed = partial(self._feed, now)
        return SiteState(
            site_id=self.config.devices[0].node_id,
            now=now,
            timezone=self.config.timezone,
            fuse_limit_w=self.config.limits.fuse_limit_w,
            export_limit_w=self.config.limits.export_limit_w,
            tariff=Tariff.flat(buy, sell),
            feeds=SiteFeeds(
                import_price=feed(SeriesKind.PRICE, prices.import_eur_per_kwh),
                export_price=feed(SeriesKind.EXPORT_PRICE, prices.export_eur_per_kwh),
            ),
            base_history=base,
            power_history=means,
        )

    def _feed(self, now: datetime, kind: SeriesKind, prices: Sequence[float]) -> FeedSeries:
        """Two days of what the home really pays; an answer that is older than six hours is not used."""
        local = now.astimezone(ZoneInfo(self.config.timezone))
        begin = now - timedelta(hours=local.hour, minutes=local.minute, seconds=local.second + local.microsecond / 1e6)
        steps = StepSeries.consecutive(begin, [(3_600_000, price) for price in (*prices, *prices)])
        every, valid_for = timedelta(hours=1), timedelta(hours=6)
        return FeedSeries(
            source="Prices", kind=kind, steps=steps, fetched_at=self._fetched_at, every=every, valid_for=valid_for
        )
