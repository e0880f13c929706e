"""A house in virtual time: its devices obey instructions as the standard says, and a meter sees the sum.

No messages travel; the resources are rebuilt from fresh messages at each tick, and decisions are applied at once. What
is left out is delay, so the figures are those of an ideal device, not of a network.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import numpy as np

from cem_service.domain.decision import Decision, LastInstruction
from cem_service.domain.frbc import FRBCResource
from cem_service.domain.pebc import PEBCResource
from cem_service.domain.resource import Resource
from cem_service.domain.site import SiteState
from cem_service.domain.tariff import Tariff
from cem_service.planners.building import plan_site
from cem_service.planners.plan import STEP, SitePlan
from cem_service.planners.reactive import react
from s2.messages import FRBCInstruction, PEBCInstruction
from tests.support.resources import link_id, new_id, solar


@dataclass
class SimulatedStore:
    """`build(level, (mode, factor), power_w, now)` describes it as its Resource Manager would."""

    build: Callable[[float, tuple[str, float], float, datetime], FRBCResource]
    level: float
    active: tuple[str, float]
    power_w: float = 0.0
    lowest_seen: float = math.inf
    highest_seen: float = -math.inf
    switches: int = 0

    def resource(self, now: datetime) -> FRBCResource:
        return self.build(self.level, self.active, self.power_w, now)

    def advance(self, now: datetime, tick: timedelta) -> None:
        resource = self.resource(now)
        mode = resource.actuators[0].modes[self.active[0]]
        element = mode.element_at(min(max(self.level, resource.lowest_level), resource.highest_level))
        rate, self.power_w = (element.rate(self.active[1]), element.power_w(self.active[1])) if element else (0.0, 0.0)
        seconds = tick.total_seconds()
        drained = resource.leakage_at(self.level) * seconds
        if resource.usage is not None:
            start = now.timestamp()
            drained += float(resource.usage.means(np.array([start, start + seconds]), 0.0)[0]) * seconds
        after = self.level + rate * seconds - drained
        if (rate > 0 and after > resource.highest_level) or (rate < 0 and after < resource.lowest_level):
            # The device guards its own bounds: full is full, empty is empty.
            after, self.power_w = self.level - drained, 0.0
        self.level = after
        self.lowest_seen, self.highest_seen = min(self.lowest_seen, after), max(self.highest_seen, after)

    def obey(self, instruction: FRBCInstruction) -> None:
        self.switches += instruction.operation_mode != self.active[0]
        self.active = (instruction.operation_mode, instruction.operation_mode_factor)


@dataclass
class House:
    start: datetime
    tariff: Tariff
    load_w: Callable[[datetime], float]
    sun_w: Callable[[datetime], float]
    stores: dict[str, SimulatedStore] = field(default_factory=dict)
    fuse_limit_w: float = 9000.0
    export_limit_w: float | None = None
    timezone: str = "UTC"
    tick: timedelta = timedelta(minutes=1)
    curtailed_to_w: float = math.inf
    cost_eur: float = 0.0
    produced_kwh: float = 0.0
    exported_kwh: float = 0.0
    over_fuse: list[tuple[datetime, float]] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    last: dict[UUID, LastInstruction] = field(default_factory=dict)

    @property
    def self_consumption(self) -> float:
        return 1.0 - self.exported_kwh / self.produced_kwh

    def run(self, duration: timedelta, *, steered: bool) -> House:
        """The day before is known, and was like this one."""
        plan: SitePlan | None = None
        now = self.start
        while now < self.start + duration:
            for store in self.stores.values():
                store.advance(now, self.tick)
            net_w = self._account(now)
            if steered:
                site = self._state(now, net_w)
                if plan is None or now - plan.start >= STEP:
                    plan = plan_site(site)
                self._react(site, plan, now)
            now += self.tick
        return self

    def _account(self, now: datetime) -> float:
        made_w = min(self.sun_w(now), self.curtailed_to_w)
        net_w = self.load_w(now) - made_w + sum(store.power_w for store in self.stores.values())
        hours = self.tick.total_seconds() / 3600
        buy, sell = self.tariff.prices(now, 1, STEP)
        self.cost_eur += net_w / 1000 * hours * float(buy[0] if net_w > 0 else sell[0])
        self.produced_kwh += made_w / 1000 * hours
        self.exported_kwh += max(-net_w, 0.0) / 1000 * hours
        if net_w > self.fuse_limit_w:
            self.over_fuse.append((now, net_w))
        return net_w

    def _state(self, now: datetime, net_w: float) -> SiteState:
        quarters = [self.start + index * STEP for index in range(-96, 0)]
        resources: list[Resource] = [store.resource(now) for store in self.stores.values()]
        resources.append(self._solar(now))
        return SiteState(
            site_id=link_id("house"),
            now=now,
            timezone=self.timezone,
            fuse_limit_w=self.fuse_limit_w,
            export_limit_w=self.export_limit_w,
            tariff=self.tariff,
            resources=tuple(resources),
            main_meter_w=net_w,
            main_meter_at=now,
            base_history={quarter: self.load_w(quarter + timedelta(days=1)) for quarter in quarters},
            power_history={link_id("Solar"): {q: -self.sun_w(q + timedelta(days=1)) for q in quarters}},
        )

    def _solar(self, now: datetime) -> PEBCResource:
        return solar(min(self.sun_w(now), self.curtailed_to_w), now=now)

    def _react(self, site: SiteState, plan: SitePlan, now: datetime) -> None:
        by_link = {link_id(name): store for name, store in self.stores.items()}
        for decision in react(site, plan, self.last, new_id=new_id):
            self.decisions.append(decision)
            self.last[decision.link_id] = LastInstruction.of(decision, now)
            if isinstance(decision.message, FRBCInstruction):
                by_link[decision.link_id].obey(decision.message)
            elif isinstance(decision.message, PEBCInstruction):
                limit = decision.message.power_envelopes[0].power_envelope_elements[0].lower_limit
                self.curtailed_to_w = -limit
