"""As `test_absurd.py`, for devices under OMBC and DDBC: legal and absurd, and no decision leaves what was offered."""

from __future__ import annotations

import json
import math
from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cem_service.domain.ddbc import DDBCResource
from cem_service.domain.decision import Decision, LastInstruction
from cem_service.domain.ombc import OMBCResource
from cem_service.domain.tariff import Tariff
from cem_service.planners.building import plan_site
from cem_service.planners.plan import SitePlan
from cem_service.planners.reactive import react
from cem_service.planners.words import notes
from s2.messages import DDBCInstruction, OMBCInstruction, Timer, Transition
from tests.support.mode_resources import (
    ddbc_actuator,
    ddbc_messages,
    ddbc_mode,
    ombc_messages,
    ombc_mode,
    power,
    read_ddbc,
    read_ombc,
)
from tests.support.resources import NOON, new_id
from tests.support.sites import site_with

numbers = st.one_of(st.sampled_from([0.0, -0.0, 1.0, 1e9, -1e9, 1e-9, 1e308, -1e308, 5e-324]), st.floats(-1e4, 1e4))
pairs = st.tuples(numbers, numbers)
prices = st.lists(st.floats(-5, 5), min_size=24, max_size=24).map(tuple)
TIMERS = ("t0", "t1")


@st.composite
def ways(draw: st.DrawFn, count: int) -> list[Transition]:
    """Self transitions, ways that start what blocks them, rewards, and transitions that take days."""
    ends = st.integers(0, count - 1)
    timers = st.lists(st.sampled_from(TIMERS), max_size=2, unique=True).map(tuple)
    return [
        Transition(
            id=f"w{number}",
            from_=f"m{draw(ends)}",
            to=f"m{draw(ends)}",
            start_timers=draw(timers),
            blocking_timers=draw(timers),
            transition_costs=draw(st.one_of(st.none(), numbers)),
            transition_duration=draw(st.sampled_from([None, 0, 1, 60_000, 1_200_000, 10**9, 2**53 - 1])),
            abnormal_condition_only=draw(st.booleans()),
        )
        for number in range(draw(st.integers(0, 8)))
    ]


durations = st.sampled_from([0, 1, 899_999, 900_000, 3_600_000, 10**9, 2**53 - 1])
counts = st.one_of(st.integers(1, 4), st.just(100))


@st.composite
def machine_parts(draw: st.DrawFn) -> tuple[int, list[Transition], list[Timer], int]:
    count = draw(counts)
    timers = [Timer(id=timer_id, duration=draw(durations)) for timer_id in TIMERS]
    return count, draw(ways(count)), timers, draw(st.integers(0, count - 1))


@st.composite
def ombc_devices(draw: st.DrawFn) -> OMBCResource:
    count, transitions, timers, active = draw(machine_parts())
    modes = [
        ombc_mode(f"m{n}", *draw(pairs), cost_per_s=draw(st.one_of(st.none(), numbers)), abnormal=n % 4 == 3)
        for n in range(count)
    ]
    messages = ombc_messages(
        modes,
        transitions,
        timers,
        active=(f"m{active}", draw(st.floats(0, 1))),
        came_from=("m0", NOON - timedelta(minutes=draw(st.integers(0, 60)))) if draw(st.booleans()) else None,
        timers_end={TIMERS[0]: NOON + timedelta(minutes=draw(st.integers(-5, 5000)))},
    )
    return read_ombc("Absurd device", messages)


@st.composite
def ddbc_devices(draw: st.DrawFn) -> DDBCResource:
    actuators, active = [], {}
    for number in range(draw(st.integers(1, 3))):
        count, transitions, timers, begin = draw(machine_parts())
        modes = [ddbc_mode(f"m{n}", draw(pairs), power(*draw(pairs)), abnormal=n % 4 == 3) for n in range(count)]
        actuators.append(ddbc_actuator(f"a{number}", modes, transitions, timers))
        active[f"a{number}"] = (f"m{begin}", draw(st.floats(0, 1)))
    low, high = sorted(draw(pairs))
    messages = ddbc_messages(
        *actuators,
        active=active,
        demand=(low, high),
        forecast=draw(st.lists(numbers, max_size=3)),
        timers_end={("a0", TIMERS[0]): NOON + timedelta(minutes=draw(st.integers(-5, 5000)))},
    )
    return read_ddbc("Absurd system", messages)


def assert_offered(decision: Decision, resource: OMBCResource | DDBCResource) -> None:
    message = decision.message
    assert notes([decision.reason], "UTC")
    assert math.isfinite(decision.expected_power_w)
    assert isinstance(message, OMBCInstruction | DDBCInstruction)
    if isinstance(resource, OMBCResource):
        assert isinstance(message, OMBCInstruction)
        machine = resource.machine
    else:
        assert isinstance(message, DDBCInstruction)
        machine = next(one for one in resource.actuators if one.actuator_id == message.actuator_id)
    assert machine is not None
    assert 0.0 <= message.operation_mode_factor <= 1.0
    assert not machine.modes[message.operation_mode_id].abnormal_condition_only
    assert machine.may_switch(message.operation_mode_id, message.execution_time)
    if message.operation_mode_id != machine.active_mode_id:
        assert machine.on_its_way_s(message.execution_time) == 0.0


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    resource=st.one_of(ombc_devices(), ddbc_devices()),
    meter_w=st.floats(-1e5, 1e5),
    fuse_w=st.floats(0, 1e5),
    buy=prices,
    sell=prices,
)
def test_no_decision_leaves_what_was_offered(
    resource: OMBCResource | DDBCResource,
    meter_w: float,
    fuse_w: float,
    buy: tuple[float, ...],
    sell: tuple[float, ...],
) -> None:
    site = site_with(resource, meter_w=meter_w, fuse_limit_w=fuse_w, tariff=Tariff(buy, sell))

    plan = plan_site(site)
    text = json.dumps(plan.as_dict(), allow_nan=False)
    first = [
        *react(site, None, {}, new_id=new_id),
        *react(site, SitePlan.from_dict(json.loads(text)), {}, new_id=new_id),
    ]
    last = {one.link_id: LastInstruction.of(one, NOON - timedelta(minutes=3)) for one in first}
    again = react(site, plan, last, new_id=new_id)

    for decision in (*first, *again):
        assert_offered(decision, resource)
