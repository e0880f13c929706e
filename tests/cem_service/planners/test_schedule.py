from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest

from cem_service.domain.decision import Decision, LastInstruction
from cem_service.domain.ppbc import PPBCResource
from cem_service.domain.tariff import Tariff
from cem_service.planners.plan import DevicePlan, Pause, Placement, SitePlan
from cem_service.planners.schedule import schedule_profiles
from cem_service.planners.told import Told
from s2.messages import (
    Instruction,
    PPBCEndInterruptionInstruction,
    PPBCPowerProfileDefinition,
    PPBCPowerSequenceContainer,
    PPBCPowerSequenceContainerStatus,
    PPBCPowerSequenceStatus,
    PPBCScheduleInstruction,
    PPBCStartInterruptionInstruction,
)
from tests.support.resources import NOON, dishwasher, new_id, sequence
from tests.support.sites import FLAT, site_with

NOT_SCHEDULED, SCHEDULED, EXECUTING = (
    PPBCPowerSequenceStatus.NOT_SCHEDULED,
    PPBCPowerSequenceStatus.SCHEDULED,
    PPBCPowerSequenceStatus.EXECUTING,
)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
# From noon to one it is cheap, and then dear until the evening.
CHEAP_NOON = Tariff(tuple(0.1 if hour == 12 else 0.5 if 13 <= hour < 18 else 0.2 for hour in range(24)), (0.05,) * 24)
# Washing takes an hour, drying half of one; drying begins half an hour after washing at the latest.
PARTS = (
    PPBCPowerSequenceContainer(id="wash", power_sequences=(sequence("washing", (60, 2000.0)),)),
    PPBCPowerSequenceContainer(id="dry", power_sequences=(sequence("drying", (30, 800.0), max_pause_ms=1_800_000),)),
)
SEQUENCES = {"wash": "washing", "dry": "drying"}


def machine(
    wash: PPBCPowerSequenceStatus, dry: PPBCPowerSequenceStatus, washed: timedelta | None = None
) -> PPBCResource:
    return dishwasher(*PARTS, statuses=(_status("wash", wash, washed), _status("dry", dry, None)))


def _status(part: str, status: PPBCPowerSequenceStatus, progress: timedelta | None) -> PPBCPowerSequenceContainerStatus:
    return PPBCPowerSequenceContainerStatus(
        power_profile_id="profile",
        sequence_container_id=part,
        selected_sequence_id=None if status is NOT_SCHEDULED else SEQUENCES[part],
        progress=None if progress is None else round(progress / timedelta(milliseconds=1)),
        status=status,
    )


def start_of(part: str, start: datetime) -> PPBCScheduleInstruction:
    return PPBCScheduleInstruction(
        message_id=new_id(),
        id=new_id(),
        power_profile_id="profile",
        sequence_container_id=part,
        power_sequence_id=SEQUENCES[part],
        execution_time=start,
        abnormal_condition=False,
    )


def told(part: str, start: datetime, ago: timedelta = 10 * MINUTE) -> LastInstruction:
    return after(start_of(part, start), ago=ago)


def after(*instructions: Instruction, ago: timedelta = 10 * MINUTE) -> LastInstruction:
    """All that was told, oldest first; the latest some time ago."""
    return LastInstruction(instructions[-1], NOON - ago, 0.0, 0.0, until=NOON + HOUR, told=instructions)


def decide(
    resource: PPBCResource,
    last: LastInstruction | None,
    *,
    wash: datetime | None = None,
    dry: datetime | None = None,
    tariff: Tariff = FLAT,
) -> tuple[str, datetime] | None:
    """What is told, and when it is to start."""
    decision = decision_on(resource, last, wash, dry, tariff)
    if decision is None:
        return None
    assert isinstance(decision.message, PPBCScheduleInstruction)
    return decision.message.sequence_container_id, decision.message.execution_time


def decision_on(
    resource: PPBCResource,
    last: LastInstruction | None,
    wash: datetime | None = None,
    dry: datetime | None = None,
    tariff: Tariff = FLAT,
) -> Decision | None:
    """What is decided with a plan of these starts."""
    lengths = {"wash": HOUR, "dry": HOUR / 2}
    placements = tuple(
        Placement("profile", part, SEQUENCES[part], start, start + lengths[part], cost_eur=0.1, cost_now_eur=0.6)
        for part, start in (("wash", wash), ("dry", dry))
        if start is not None
    )
    return decided(resource, last, placements, tariff)


def decided(
    resource: PPBCResource,
    last: LastInstruction | None,
    placements: tuple[Placement, ...],
    tariff: Tariff = FLAT,
    late: str = "",
) -> Decision | None:
    site = site_with(resource, tariff=tariff)
    power_w = np.zeros(96)
    device = DevicePlan(resource.link_id, power_w, placements=placements, reason=late)
    plan = SitePlan(site.site_id, NOON, NOON, power_w, power_w, 0.0, {resource.link_id: device})
    decisions = schedule_profiles(site, plan, 0.0, {} if last is None else {resource.link_id: last}, new_id)
    assert len(decisions) <= 1
    return decisions[0] if decisions else None


def test_parts_are_told_one_after_the_other() -> None:
    fresh, half_told = machine(NOT_SCHEDULED, NOT_SCHEDULED), machine(SCHEDULED, NOT_SCHEDULED)
    at, then = NOON + HOUR, NOON + 2 * HOUR

    assert decide(fresh, None, wash=at, dry=then) == ("wash", at)
    assert decide(half_told, told("wash", at), wash=at, dry=then) == ("dry", then)
    assert decide(machine(SCHEDULED, SCHEDULED), told("dry", then), wash=at, dry=then) is None


def test_a_start_is_moved_for_a_gain_that_somebody_notices() -> None:
    washed, before = machine(PPBCPowerSequenceStatus.FINISHED, SCHEDULED), told("dry", NOON + HOUR)
    then = NOON + 20 * MINUTE

    assert decide(washed, before, dry=then, tariff=CHEAP_NOON) == ("dry", then)
    assert decide(washed, before, dry=then, tariff=FLAT) is None
    assert decide(washed, told("dry", NOON + 4 * MINUTE), dry=NOON + 7 * HOUR, tariff=CHEAP_NOON) is None


def test_a_start_is_taken_back_before_another_one_is_told() -> None:
    """Without that, two starts would be open for one part (R-102)."""
    washed, before = machine(PPBCPowerSequenceStatus.FINISHED, SCHEDULED), told("dry", NOON + HOUR)

    moved = decision_on(washed, before, dry=NOON + 20 * MINUTE, tariff=CHEAP_NOON)
    first = decision_on(machine(PPBCPowerSequenceStatus.FINISHED, NOT_SCHEDULED), None, dry=NOON + 20 * MINUTE)

    assert moved is not None
    assert [one.object_id for one in moved.revocations] == [before.message.id]
    assert first is not None
    assert first.revocations == ()


@pytest.mark.parametrize(
    ("began", "ends", "at"),
    [
        pytest.param(timedelta(), 5 * HOUR, NOON + 2 * HOUR, id="ends earlier"),
        pytest.param(8 * HOUR, 12 * HOUR, NOON + 9 * HOUR, id="begins later"),
    ],
)
def test_a_start_that_a_changed_window_leaves_out_is_moved_whatever_it_costs(
    began: timedelta, ends: timedelta, at: datetime
) -> None:
    """The same profile was published anew while its start stood (R-94)."""
    waiting = dishwasher(*PARTS[:1], window=12 * HOUR, statuses=(_status("wash", SCHEDULED, None),))
    changed = replace(waiting, profiles=(replace(waiting.profiles[0], start_time=NOON + began, end_time=NOON + ends),))
    before = told("wash", NOON + 6 * HOUR)

    moved = decision_on(changed, before, wash=at, tariff=CHEAP_NOON)

    assert decision_on(waiting, before, wash=at, tariff=FLAT) is None
    assert moved is not None
    assert moved.message.execution_time == at
    assert [one.object_id for one in moved.revocations] == [before.message.id]


def test_an_overdue_start_is_not_moved_for_a_window_that_begins_now() -> None:
    waiting = dishwasher(*PARTS[:1], statuses=(_status("wash", SCHEDULED, None),))

    assert decide(waiting, told("wash", NOON - 8 * MINUTE), wash=NOON + 2 * HOUR) is None


def test_a_start_stands_where_no_other_would_be_in_the_window_either() -> None:
    waiting = dishwasher(*PARTS[:1], window=HOUR / 2, statuses=(_status("wash", SCHEDULED, None),))
    at_once = Placement("profile", "wash", "washing", NOON, NOON + HOUR, cost_eur=0.1, cost_now_eur=0.1)

    assert decided(waiting, told("wash", NOON + 10 * MINUTE), (at_once,), FLAT, late="its window is too short") is None


def test_a_start_of_the_plan_that_a_changed_window_leaves_out_is_not_told() -> None:
    earlier = dishwasher(*PARTS[:1], window=5 * HOUR, statuses=(_status("wash", NOT_SCHEDULED, None),))
    later = replace(earlier, profiles=(replace(earlier.profiles[0], start_time=NOON + 3 * HOUR),))

    for changed, planned in ((earlier, NOON + 7 * HOUR), (later, NOON + HOUR)):
        decision = decide(changed, None, wash=planned)

        assert decision is not None
        assert changed.profiles[0].start_time <= decision[1] <= NOON + 4 * HOUR


def test_parts_that_hang_together_are_moved_together() -> None:
    """The later ones are taken back with the first that moves, and are then told anew."""
    wash, dry = start_of("wash", NOON + 2 * HOUR), start_of("dry", NOON + 3 * HOUR)
    at, then = NOON + 7 * HOUR, NOON + 8 * HOUR

    moved = decision_on(machine(SCHEDULED, SCHEDULED), after(wash, dry), at, then, CHEAP_NOON)
    next_one = decide(
        machine(SCHEDULED, SCHEDULED), after(wash, dry, start_of("wash", at)), wash=at, dry=then, tariff=CHEAP_NOON
    )

    assert moved is not None
    assert isinstance(moved.message, PPBCScheduleInstruction)
    assert (moved.message.sequence_container_id, moved.message.execution_time) == ("wash", at)
    assert [one.object_id for one in moved.revocations] == [wash.id, dry.id]
    assert next_one == ("dry", then)


def test_what_was_taken_back_with_an_earlier_part_is_told_anew_whatever_it_gains() -> None:
    told_before = after(
        start_of("wash", NOON + 2 * HOUR), start_of("dry", NOON + 3 * HOUR), start_of("wash", NOON + HOUR)
    )

    again = decision_on(machine(SCHEDULED, SCHEDULED), told_before, NOON + HOUR, NOON + 2 * HOUR)

    assert again is not None
    assert again.message.execution_time == NOON + 2 * HOUR
    assert again.revocations == ()


def test_a_start_that_has_just_passed_is_told_for_now() -> None:
    fresh = dishwasher(*PARTS[:1], now=NOON - HOUR)

    assert decide(fresh, None, wash=NOON - 3 * MINUTE) == ("wash", NOON)


def test_a_start_of_a_sequence_that_is_no_longer_on_offer_is_nobodys() -> None:
    """The profile was published anew, with other alternatives."""
    start = start_of("wash", NOON + HOUR)
    before, now = machine(SCHEDULED, NOT_SCHEDULED), dishwasher(PARTS[1], PARTS[0])
    other = replace(now.profiles[0].containers[0], container_id="wash", status=SCHEDULED)
    known = Told.of(before, after(start))

    assert known.start_of(before.profiles[0], before.profiles[0].containers[0]) is start
    assert known.start_of(now.profiles[0], other) is None


def test_what_does_not_show_in_the_status_is_told_again_ever_later() -> None:
    fresh, at = machine(NOT_SCHEDULED, NOT_SCHEDULED), NOON + HOUR
    again = (start_of("wash", at), start_of("wash", at))

    assert decide(fresh, told("wash", at, ago=4 * MINUTE), wash=at, dry=at + HOUR) is None
    assert decide(fresh, told("wash", at, ago=6 * MINUTE), wash=at, dry=at + HOUR) == ("wash", at)
    assert decide(fresh, after(*again, ago=6 * MINUTE), wash=at, dry=at + HOUR) is None
    assert decide(fresh, after(*again, ago=11 * MINUTE), wash=at, dry=at + HOUR) == ("wash", at)


def test_a_resource_that_refused_is_left_alone() -> None:
    refused = replace(told("wash", NOON + HOUR), refused_until=NOON + MINUTE)

    assert decide(machine(NOT_SCHEDULED, NOT_SCHEDULED), refused, wash=NOON + HOUR, dry=NOON + 2 * HOUR) is None


def test_a_part_never_moves_before_the_end_of_the_one_that_it_follows() -> None:
    """The first part keeps the start that it was told, whatever a later plan would rather have (R-94)."""
    both = machine(SCHEDULED, SCHEDULED)

    assert decide(both, told("dry", NOON + 4 * HOUR), wash=NOON + HOUR, dry=NOON + 2 * HOUR) is None


def test_a_later_part_follows_the_start_that_the_one_before_was_told() -> None:
    half_told = machine(SCHEDULED, NOT_SCHEDULED)
    wash = told("wash", NOON + 3 * HOUR)

    earlier = decide(half_told, wash, wash=NOON + HOUR, dry=NOON + 2 * HOUR)
    later = decide(half_told, wash, wash=NOON + 6 * HOUR, dry=NOON + 7 * HOUR)

    assert earlier == ("dry", NOON + 4 * HOUR)
    # Not after the longest pause either.
    assert later == ("dry", NOON + 4.5 * HOUR)


def test_a_later_part_waits_while_nobody_knows_when_the_one_before_ends() -> None:
    assert decide(machine(SCHEDULED, NOT_SCHEDULED), None, wash=NOON + HOUR, dry=NOON + 2 * HOUR) is None


def test_a_part_does_not_begin_while_the_one_before_still_runs() -> None:
    running = machine(EXECUTING, NOT_SCHEDULED, washed=20 * MINUTE)

    assert decide(running, None, dry=NOON + 10 * MINUTE) == ("dry", NOON + 40 * MINUTE)


def test_a_part_waits_for_what_an_emergency_left_running() -> None:
    hot = PPBCPowerSequenceContainer(
        id="wash",
        power_sequences=(
            sequence("washing", (60, 2000.0)),
            sequence("hot", (60, 3000.0), abnormal=True, interruptible=True),
        ),
    )
    washes = replace(_status("wash", EXECUTING, 20 * MINUTE), selected_sequence_id="hot")
    running = dishwasher(hot, PARTS[1], statuses=(washes, _status("dry", NOT_SCHEDULED, None)))

    assert decide(running, None, dry=NOON + 10 * MINUTE) == ("dry", NOON + 40 * MINUTE)


def test_what_an_emergency_left_waiting_is_taken_back() -> None:
    both = PPBCPowerSequenceContainer(
        id="wash", power_sequences=(sequence("washing", (60, 2000.0)), sequence("hot", (60, 3000.0), abnormal=True))
    )
    waits = replace(_status("wash", SCHEDULED, None), selected_sequence_id="hot")
    hot = replace(start_of("wash", NOON + 3 * HOUR), power_sequence_id="hot", abnormal_condition=True)

    decision = decision_on(dishwasher(both, statuses=(waits,)), after(hot), wash=NOON + 2 * HOUR)

    assert decision is not None
    assert isinstance(decision.message, PPBCScheduleInstruction)
    assert decision.message.power_sequence_id == "washing"
    assert [one.object_id for one in decision.revocations] == [hot.id]


def heater(status: PPBCPowerSequenceStatus, done: timedelta) -> PPBCResource:
    """Two hours of 2 kW that may be interrupted."""
    container = PPBCPowerSequenceContainer(
        id="heat", power_sequences=(sequence("slow", (120, 2000.0), interruptible=True),)
    )
    now_at = PPBCPowerSequenceContainerStatus(
        power_profile_id="profile",
        sequence_container_id="heat",
        selected_sequence_id="slow",
        progress=round(done / timedelta(milliseconds=1)),
        status=status,
    )
    return dishwasher(container, statuses=(now_at,))


def heating(*pauses: Pause, start: datetime = NOON, done: timedelta = timedelta()) -> Placement:
    paused = sum((end - begin for begin, end in pauses), timedelta())
    end = start + 2 * HOUR - done + paused
    return Placement("profile", "heat", "slow", start, end, 0.1, 0.2, done.total_seconds(), pauses)


def interruption(kind: type, at: datetime) -> Instruction:
    message = kind(
        message_id=new_id(),
        id=new_id(),
        power_profile_id="profile",
        sequence_container_id="heat",
        power_sequence_id="slow",
        execution_time=at,
        abnormal_condition=False,
    )
    assert isinstance(message, PPBCStartInterruptionInstruction | PPBCEndInterruptionInstruction)
    return message


def test_a_pause_is_told_when_it_is_due() -> None:
    runs = heater(EXECUTING, HOUR)
    soon, later = NOON + MINUTE, NOON + HOUR

    due = decided(runs, None, (heating((soon, later), start=NOON - HOUR),))
    early = decided(runs, None, (heating((later, 2 * HOUR + NOON), start=NOON - HOUR),))

    assert due is not None
    assert isinstance(due.message, PPBCStartInterruptionInstruction)
    assert (due.message.execution_time, due.until, due.expected_power_w) == (soon, later, 0.0)
    assert early is None


def test_no_other_sequence_is_paused_than_the_one_that_runs() -> None:
    """The plan had another alternative, and the start of this one stood (R-96)."""
    both = PPBCPowerSequenceContainer(
        id="heat",
        power_sequences=(
            sequence("slow", (120, 2000.0), interruptible=True),
            sequence("fast", (60, 4000.0), interruptible=True),
        ),
    )
    runs = PPBCPowerSequenceContainerStatus(
        power_profile_id="profile",
        sequence_container_id="heat",
        selected_sequence_id="fast",
        progress=1_800_000,
        status=EXECUTING,
    )

    assert decided(dishwasher(both, statuses=(runs,)), None, (heating((NOON, NOON + HOUR)),)) is None


def test_the_end_of_a_pause_is_told_as_soon_as_the_device_pauses() -> None:
    paused, end = heater(PPBCPowerSequenceStatus.INTERRUPTED, HOUR), NOON + HOUR
    begun = interruption(PPBCStartInterruptionInstruction, NOON - MINUTE)
    planned = (heating((NOON - MINUTE, end), start=NOON - HOUR),)

    first = decided(paused, after(begun, ago=MINUTE), planned)
    known = decided(paused, after(begun, interruption(PPBCEndInterruptionInstruction, end), ago=MINUTE), planned)

    assert first is not None
    assert isinstance(first.message, PPBCEndInterruptionInstruction)
    assert first.message.execution_time == end
    assert first.expected_power_w == 2000.0
    assert known is None


def test_the_end_of_a_pause_is_moved_for_a_gain() -> None:
    paused = heater(PPBCPowerSequenceStatus.INTERRUPTED, HOUR)
    end = interruption(PPBCEndInterruptionInstruction, NOON + 2 * HOUR)
    planned = (heating(start=NOON + 7 * HOUR, done=HOUR),)

    moved = decided(paused, after(end), planned, CHEAP_NOON)

    assert moved is not None
    assert moved.message.execution_time == NOON + 7 * HOUR
    assert [one.object_id for one in moved.revocations] == [end.id]
    assert decided(paused, after(end), planned, FLAT) is None


def test_the_end_of_an_earlier_pause_is_not_that_of_the_next() -> None:
    paused = heater(PPBCPowerSequenceStatus.INTERRUPTED, HOUR)
    earlier = (
        interruption(PPBCStartInterruptionInstruction, NOON - 2 * HOUR),
        interruption(PPBCEndInterruptionInstruction, NOON - HOUR),
    )
    begun = interruption(PPBCStartInterruptionInstruction, NOON - MINUTE)

    end = decided(
        paused, after(*earlier, begun, ago=MINUTE), (heating((NOON - MINUTE, NOON + HOUR), start=NOON - HOUR),)
    )

    assert end is not None
    assert isinstance(end.message, PPBCEndInterruptionInstruction)
    assert end.revocations == ()


def test_an_interruption_waits_for_its_status() -> None:
    begun = interruption(PPBCStartInterruptionInstruction, NOON - MINUTE)
    planned = (heating((NOON - MINUTE, NOON + HOUR), start=NOON - HOUR),)

    assert decided(heater(EXECUTING, HOUR), after(begun, ago=MINUTE), planned) is None


def test_one_resource_is_told_one_thing_at_a_time_for_all_its_profiles() -> None:
    other = PPBCPowerProfileDefinition(
        message_id=new_id(), id="other", start_time=NOON, end_time=NOON + 5 * HOUR, power_sequences_containers=PARTS[:1]
    )
    both = dishwasher(*PARTS[:1], others=[other])

    first = decided(both, None, ())

    assert first is not None
    assert isinstance(first.message, PPBCScheduleInstruction)
    assert first.message.power_profile_id == "other"  # Its window ends first.
