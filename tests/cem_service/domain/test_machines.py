from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

import pytest

from cem_service.domain.frbc import Mode
from cem_service.domain.machines import LONGEST_S, Machine, machine_facts
from s2.messages import OMBCStatus, OMBCTimerStatus, Timer, Transition
from tests.support.resources import NOON, new_id, transition

MINUTE = timedelta(minutes=1)


def machine(
    *transitions: Transition, active: str = "off", timers_end: Iterable[tuple[str, timedelta]] = ()
) -> Machine[Mode]:
    """Off, on, and an emergency mode. It went from off to its active mode a minute before noon."""
    status = OMBCStatus(
        message_id=new_id(),
        active_operation_mode_id=active,
        operation_mode_factor=0.5,
        previous_operation_mode_id="off",
        transition_timestamp=NOON - MINUTE,
    )
    ends = [
        OMBCTimerStatus(message_id=new_id(), timer_id=timer_id, finished_at=NOON + after)
        for timer_id, after in timers_end
    ]
    modes = {mode_id: Mode(mode_id, mode_id, (), mode_id == "emergency") for mode_id in ("off", "on", "emergency")}
    timers = [Timer(id="run", duration=90_000), Timer(id="eternal", duration=2**53 - 1)]
    return Machine(modes=modes, **machine_facts(transitions, timers, status, ends))


def way(start: str, end: str, *, abnormal: bool = False, blocked_by: str | None = None) -> Transition:
    return Transition(
        id=new_id(),
        from_=start,
        to=end,
        start_timers=(),
        blocking_timers=(blocked_by,) if blocked_by else (),
        transition_duration=180_000,
        abnormal_condition_only=abnormal,
    )


def test_another_mode_needs_a_transition_and_another_factor_does_not() -> None:
    steered = machine(transition("off", "on"))

    assert steered.may_switch("on", NOON)
    assert steered.may_switch("off", NOON)
    assert not steered.may_switch("emergency", NOON)
    assert [mode.mode_id for mode in steered.usable_modes] == ["off", "on"]


def test_a_timer_blocks_until_it_has_ended() -> None:
    steered = machine(way("off", "on", blocked_by="run"), timers_end=[("run", MINUTE)])

    assert not steered.may_switch("on", NOON)
    assert steered.may_switch("on", NOON + MINUTE)


@pytest.mark.parametrize("order", [1, -1])
def test_a_way_for_abnormal_conditions_does_not_hide_the_normal_one(order: int) -> None:
    ways = [way("off", "on"), way("off", "on", abnormal=True)][::order]

    assert machine(*ways).may_switch("on", NOON)


def test_a_transition_that_takes_its_time_is_under_way_until_then() -> None:
    turning = machine(way("off", "on"), active="on")

    assert turning.on_its_way_s(NOON) == 120.0
    assert turning.on_its_way_s(NOON + 2 * MINUTE) == 0.0
    # A change that lies ahead of our clock by more than clocks differ says nothing.
    assert turning.on_its_way_s(NOON - 2 * MINUTE) == 0.0


def test_the_next_way_is_taken_when_the_last_one_is_over() -> None:
    turning = machine(way("off", "on"), way("on", "off"), active="on")

    assert turning.may_switch("on", NOON)
    assert not turning.may_switch("off", NOON + MINUTE)
    assert turning.may_switch("off", NOON + 2 * MINUTE)


@pytest.mark.parametrize(("reported", "counted"), [(-0.2, 0.0), (0.3, 0.3), (1.2, 1.0)])
def test_a_factor_beyond_its_range_counts_as_the_end_of_it(reported: float, counted: float) -> None:
    """A lenient device type may report one, and it is told again where nothing else is better (R-20)."""
    status = OMBCStatus(message_id=new_id(), active_operation_mode_id="on", operation_mode_factor=reported)

    assert machine_facts((), (), status, ())["active_factor"] == counted


def test_durations_are_seconds_that_dates_can_hold() -> None:
    assert machine().timer_durations_s == {"run": 90.0, "eternal": LONGEST_S}
