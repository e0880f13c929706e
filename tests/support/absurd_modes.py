"""As `absurd.py`, of devices under OMBC and DDBC."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import strategies as st

from cem_service.domain.ddbc import DDBCResource
from cem_service.domain.ombc import OMBCResource
from s2.messages import Timer, Transition
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
from tests.support.resources import NOON

numbers = st.one_of(st.sampled_from([0.0, -0.0, 1.0, 1e9, -1e9, 1e-9, 1e308, -1e308, 5e-324]), st.floats(-1e4, 1e4))
pairs = st.tuples(numbers, numbers)
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
