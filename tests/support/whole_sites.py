"""Sites of one to five devices of all control types, with limits, objectives, tariffs, a meter and a past.

Half of the devices are such as people buy, in any state that they may be in; the others are legal and absurd. What a
site's devices were told before is drawn as memories, since only a decision can be remembered: `remembered` makes the
last instructions of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

import numpy as np
from hypothesis import strategies as st

from cem_service.domain.decision import LastInstruction
from cem_service.domain.feed import FeedSeries, SeriesKind, SiteFeeds
from cem_service.domain.fixed import NotControllable
from cem_service.domain.leaving_out import leave_out
from cem_service.domain.objectives import (
    Bandwidth,
    CapacityTariff,
    Carbon,
    GridLimit,
    Objectives,
    SteerableLimit,
    TargetBand,
)
from cem_service.domain.phases import EVEN
from cem_service.domain.reserve import with_reserve
from cem_service.domain.resource import Resource
from cem_service.domain.series import StepSeries
from cem_service.domain.site import QuarterHourMeans, SiteState
from cem_service.domain.tariff import Tariff
from cem_service.planners.plan import STEP, STEPS
from cem_service.planners.reactive import react
from s2.messages import (
    Instruction,
    PPBCPowerSequenceContainer,
    PPBCPowerSequenceContainerStatus,
    PPBCPowerSequenceStatus,
)
from tests.support.absurd import containers, envelopes, prices, profiles, stores
from tests.support.absurd_modes import ddbc_devices, ombc_devices
from tests.support.mode_resources import generator, hybrid, resistor
from tests.support.resources import (
    HOUR_MS,
    NOON,
    battery,
    dishwasher,
    ev_charger,
    heat_pump,
    link_id,
    new_id,
    sequence,
    solar,
    solar_forecast,
)
from tests.support.sites import EVENING_PEAK, FLAT

T = TypeVar("T")

factors = st.floats(0, 1)
watts = st.one_of(st.just(0.0), st.floats(-2e4, 2e4))
limits_w = st.one_of(st.just(0.0), st.floats(0, 3e4))


def maybe(strategy: st.SearchStrategy[T]) -> st.SearchStrategy[T | None]:
    return st.one_of(st.none(), strategy)


# -- Devices such as people buy ----------------------------------------------------------------------------------------


@st.composite
def batteries(draw: st.DrawFn) -> Resource:
    factor = draw(factors)
    mode, power_w = draw(st.sampled_from([("charge", 5000.0), ("idle", 0.0), ("discharge", -5000.0)]))
    return battery(draw(st.floats(0, 10)), active=(mode, factor), power_w=factor * power_w)


@st.composite
def cars(draw: st.DrawFn) -> Resource:
    active, power_w = ("off", 0.0), 0.0
    if draw(st.booleans()):
        factor = draw(factors)
        active, power_w = ("charge", factor), 1400.0 + factor * 6000.0
    departure = draw(maybe(st.integers(-1, 30).map(lambda hours: NOON + timedelta(hours=hours))))
    return ev_charger(draw(st.floats(0, 100)), active=active, power_w=power_w, departure=departure)


@st.composite
def heat_pumps(draw: st.DrawFn) -> Resource:
    rests_until = draw(maybe(st.integers(-5, 30).map(lambda minutes: NOON + timedelta(minutes=minutes))))
    return heat_pump(draw(st.floats(39, 61)), active=draw(st.sampled_from(["on", "off"])), min_off_until=rests_until)


@st.composite
def panels(draw: st.DrawFn) -> Resource:
    gives_w = draw(st.floats(0, 6000))
    forecast = solar_forecast(draw(st.lists(st.floats(0, 6000), min_size=1, max_size=8)), NOON)
    return solar(gives_w, forecast=draw(maybe(st.just(forecast))))


@st.composite
def generators(draw: st.DrawFn) -> Resource:
    changed_at = NOON - timedelta(minutes=draw(st.integers(0, 90)))
    timer, ends = draw(st.sampled_from(["run", "rest"])), NOON + timedelta(minutes=draw(st.integers(-5, 60)))
    now, before = draw(st.sampled_from([("on", "off"), ("off", "on")]))
    return generator((now, 0.0), came_from=(before, changed_at), timers_end={timer: ends})


def under_way(parts: tuple[PPBCPowerSequenceContainer, ...]) -> st.SearchStrategy[Resource]:
    """A machine of which the first of these may have begun."""

    def told(index: int, status: PPBCPowerSequenceStatus, progress_ms: int) -> PPBCPowerSequenceContainerStatus:
        chosen = None if status is PPBCPowerSequenceStatus.NOT_SCHEDULED else parts[index].power_sequences[0].id
        return PPBCPowerSequenceContainerStatus(
            power_profile_id="profile",
            sequence_container_id=parts[index].id,
            status=status,
            selected_sequence_id=chosen,
            progress=progress_ms if status in BEGUN else None,
        )

    waiting = st.sampled_from([PPBCPowerSequenceStatus.NOT_SCHEDULED, PPBCPowerSequenceStatus.SCHEDULED])
    first = st.builds(told, st.just(0), st.sampled_from(PPBCPowerSequenceStatus), st.integers(0, 2 * HOUR_MS))
    others = [st.builds(told, st.just(index), waiting, st.just(0)) for index in range(1, len(parts))]
    windows = st.integers(1, 1500).map(lambda minutes: timedelta(minutes=minutes))
    return st.builds(
        lambda statuses, window: dishwasher(*parts, statuses=statuses, window=window),
        st.tuples(first, *others),
        windows,
    )


BEGUN = (PPBCPowerSequenceStatus.EXECUTING, PPBCPowerSequenceStatus.INTERRUPTED)
WASHES = (
    PPBCPowerSequenceContainer(
        id="wash",
        power_sequences=(
            sequence("eco", (30, 2000.0), (60, 100.0), (30, 1800.0), interruptible=True),
            sequence("fast", (45, 2200.0)),
        ),
    ),
    PPBCPowerSequenceContainer(
        id="dry", power_sequences=(sequence("dry", (60, 900.0), max_pause_ms=HOUR_MS, interruptible=True),)
    ),
)

sane = st.one_of(
    batteries(),
    cars(),
    heat_pumps(),
    panels(),
    under_way(WASHES),
    generators(),
    st.builds(lambda on, factor: resistor(("on" if on else "off", factor if on else 0.0)), st.booleans(), factors),
    st.builds(
        lambda pump, boiler, demand_w: hybrid(pump, boiler, demand_w=demand_w),
        st.tuples(st.sampled_from(["on", "off"]), factors),
        st.tuples(st.sampled_from(["on", "off"]), factors),
        st.floats(0, 3e4),
    ),
)
absurd = st.one_of(stores(), envelopes(), profiles(), containers().flatmap(under_way), ombc_devices(), ddbc_devices())
unsteered = st.builds(
    lambda power_w, age_s: NotControllable(
        link_id=link_id("meter"), name="meter", measured_w=power_w, measured_at=NOON - timedelta(seconds=age_s)
    ),
    watts,
    st.integers(0, 3600),
)
shares = st.sampled_from([EVEN, (1.0, 0.0, 0.0), (0.0, 0.5, 0.5), (1.0, 1 / 3, 1 / 3)])


@st.composite
def devices(draw: st.DrawFn, name: str) -> Resource:
    """Any, under that name; one in twenty is left out."""
    one = draw(st.one_of(sane, sane, absurd, absurd, unsteered))
    one = with_reserve(one, draw(st.sampled_from([0.0, 0.0, 0.3])), NOON)
    one = replace(one, link_id=link_id(name), name=name, phase_shares=draw(shares))
    return leave_out(one) if draw(st.integers(0, 19)) == 19 else one


# -- What a site is bound to and what it wishes ------------------------------------------------------------------------

soon = st.integers(-8, 40).map(lambda quarters: NOON + quarters * STEP)


@st.composite
def objectives(draw: st.DrawFn) -> Objectives:
    start, end = sorted((draw(soon), draw(soon)))
    grid = GridLimit(
        source="Grid Ltd", import_w=draw(maybe(limits_w)), export_w=draw(maybe(limits_w)), start=start, end=draw(soon)
    )
    steerable = SteerableLimit(source="Grid Ltd", import_w=draw(limits_w), start=draw(maybe(st.just(start))), end=end)
    lower_w, upper_w = sorted((draw(watts), draw(watts)))
    band = TargetBand(source="Pool Ltd", lower_w=lower_w, upper_w=upper_w, eur_per_kwh=0.5, start=start, end=end)
    return Objectives(
        grid_limits=(grid,) * draw(st.integers(0, 1)),
        steerable_limits=(steerable,) * draw(st.integers(0, 1)),
        targets=(band,) * draw(st.integers(0, 1)),
        capacity_tariff=draw(maybe(st.builds(CapacityTariff, st.floats(0, 10), limits_w))),
        bandwidth=draw(maybe(st.builds(Bandwidth, limits_w, st.floats(0, 1)))),
        carbon=draw(maybe(st.builds(Carbon, st.floats(0, 1)))),
        self_consumption_eur_per_kwh=draw(st.sampled_from([0.0, 0.05])),
    )


tariffs = st.one_of(
    st.sampled_from([FLAT, EVENING_PEAK, Tariff.flat(0.0, 0.0), Tariff.flat(-0.10, -0.20), Tariff.flat(0.05, 0.30)]),
    st.builds(Tariff.flat, st.floats(-5, 5), st.floats(-5, 5)),
    st.builds(Tariff, prices, prices),
)


@st.composite
def feeds(draw: st.DrawFn) -> SiteFeeds:
    """Prices of some hours, with holes, now and then too old to be used."""
    eur = draw(st.lists(st.one_of(st.floats(-1, 1), st.just(np.nan)), min_size=1, max_size=26))
    series = FeedSeries(
        source="Prices",
        kind=SeriesKind.PRICE,
        steps=StepSeries.consecutive(NOON, [(HOUR_MS, each) for each in eur]),
        fetched_at=draw(st.sampled_from([None, NOON, NOON - timedelta(hours=3), NOON - timedelta(days=3)])),
        every=timedelta(hours=1),
        valid_for=timedelta(days=1),
    )
    return SiteFeeds(import_price=series)


@dataclass(frozen=True, kw_only=True)
class Memory:
    """When a device was told something, by a site that drew `other_w` more, and until when its refusal counts."""

    issued_at: datetime
    other_w: float
    refused_until: datetime | None


@dataclass(frozen=True, kw_only=True)
class WholeSite:
    """`memories` are those of the devices that were told anything, by link."""

    state: SiteState
    memories: Mapping[UUID, Memory]


memories = st.builds(
    Memory,
    issued_at=st.sampled_from([0, 1, 10, 29, 31, 119, 121, 600, 3000]).map(lambda s: NOON - timedelta(seconds=s)),
    other_w=watts,
    refused_until=st.one_of(
        st.none(), st.none(), st.sampled_from([-60, 60, 600]).map(lambda s: NOON + timedelta(seconds=s))
    ),
)


@st.composite
def whole_sites(draw: st.DrawFn) -> WholeSite:
    resources = tuple(draw(devices(f"Device {index}")) for index in range(draw(st.integers(1, 5))))
    meter_w, phases_w = draw(maybe(watts)), None
    if meter_w is not None and draw(st.booleans()):
        first_w, second_w = draw(watts), draw(watts)
        phases_w = (first_w, second_w, meter_w - first_w - second_w)
    past: QuarterHourMeans = {}
    if draw(st.booleans()):
        past = {NOON - (1 + step) * STEP: draw(watts) if step % 24 == 0 else 300.0 for step in range(STEPS)}
    state = SiteState(
        site_id=link_id("site"),
        now=NOON,
        timezone=draw(st.sampled_from(["UTC", "Europe/Amsterdam", "Asia/Kathmandu"])),
        fuse_limit_w=draw(limits_w),
        export_limit_w=draw(maybe(limits_w)),
        fuse_per_phase_w=draw(maybe(limits_w)),
        tariff=draw(tariffs),
        objectives=draw(st.one_of(st.just(Objectives()), objectives())),
        feeds=draw(st.one_of(st.just(SiteFeeds()), feeds())),
        resources=resources,
        main_meter_w=meter_w,
        main_meter_phases_w=phases_w,
        main_meter_at=None
        if meter_w is None
        else NOON - timedelta(seconds=draw(st.sampled_from([0, 5, 40, 299, 900]))),
        base_history=past,
    )
    told = {one.link_id: found for one in resources if (found := draw(maybe(memories))) is not None}
    return WholeSite(state=state, memories=told)


def remembered(site: WholeSite) -> dict[UUID, LastInstruction]:
    """The last instructions that the memories are of: what another moment's reaction told each of these devices."""
    found: dict[UUID, LastInstruction] = {}
    for link, memory in site.memories.items():
        before = replace(site.state, now=memory.issued_at, main_meter_w=memory.other_w, main_meter_at=memory.issued_at)
        decisions = [one for one in react(before, None, {}, new_id=new_id) if one.link_id == link]
        if decisions:
            last = LastInstruction.of(decisions[-1], memory.issued_at, memory.refused_until)
            found[link] = replace(last, told=() if memory.refused_until else standing(last))
    return found


def standing(last: LastInstruction, before: LastInstruction | None = None) -> tuple[Instruction, ...] | None:
    """All that holds, as services hand it on, once something more was told to a device that is told several things."""
    if not last.message.message_type.startswith("PPBC."):
        return None
    return (*((before and before.told) or ()), last.message)
