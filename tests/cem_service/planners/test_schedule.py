from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np

from cem_service.domain.decision import Decision, LastInstruction
from cem_service.domain.ppbc import PPBCResource
from cem_service.planners.plan import DevicePlan, Placement, SitePlan
from cem_service.planners.schedule import schedule_profiles
from s2.messages import (
    PPBCPowerSequenceContainer,
    PPBCPowerSequenceContainerStatus,
    PPBCPowerSequenceStatus,
    PPBCScheduleInstruction,
)
from tests.support.resources import NOON, dishwasher, new_id, sequence
from tests.support.sites import site_with

NOT_SCHEDULED, SCHEDULED, EXECUTING = (
    PPBCPowerSequenceStatus.NOT_SCHEDULED,
    PPBCPowerSequenceStatus.SCHEDULED,
    PPBCPowerSequenceStatus.EXECUTING,
)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
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


def told(part: str, start: datetime) -> LastInstruction:
    message = PPBCScheduleInstruction(
        message_id=new_id(),
        id=new_id(),
        power_profile_id="profile",
        sequence_container_id=part,
        power_sequence_id=SEQUENCES[part],
        execution_time=start,
        abnormal_condition=False,
    )
    return LastInstruction(message, NOON - 10 * MINUTE, 0.0, 0.0, until=start + HOUR)


def decide(
    resource: PPBCResource, last: LastInstruction | None, *, wash: datetime | None = None, dry: datetime | None = None
) -> tuple[str, datetime] | None:
    """What is told, and when it is to start."""
    decision = decision_on(resource, last, wash, dry)
    if decision is None:
        return None
    assert isinstance(decision.message, PPBCScheduleInstruction)
    return decision.message.sequence_container_id, decision.message.execution_time


def decision_on(
    resource: PPBCResource, last: LastInstruction | None, wash: datetime | None = None, dry: datetime | None = None
) -> Decision | None:
    """What is decided with a plan of these starts, each half a euro cheaper than at once."""
    site = site_with(resource)
    lengths = {"wash": HOUR, "dry": HOUR / 2}
    placements = tuple(
        Placement(part, SEQUENCES[part], start, start + lengths[part], cost_eur=0.1, cost_now_eur=0.6)
        for part, start in (("wash", wash), ("dry", dry))
        if start is not None
    )
    power_w = np.zeros(96)
    device = DevicePlan(resource.link_id, power_w, placements=placements)
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


def test_a_start_is_moved_for_a_gain_where_nothing_hangs_on_it() -> None:
    washed = machine(PPBCPowerSequenceStatus.FINISHED, SCHEDULED)

    assert decide(washed, told("dry", NOON + HOUR), dry=NOON + 20 * MINUTE) == ("dry", NOON + 20 * MINUTE)


def test_a_start_is_taken_back_before_another_one_is_told() -> None:
    """Without that, two starts would be open for one part (R-102)."""
    washed, before = machine(PPBCPowerSequenceStatus.FINISHED, SCHEDULED), told("dry", NOON + HOUR)

    moved = decision_on(washed, before, dry=NOON + 20 * MINUTE)
    first = decision_on(machine(PPBCPowerSequenceStatus.FINISHED, NOT_SCHEDULED), None, dry=NOON + 20 * MINUTE)

    assert moved is not None
    assert moved.revocation is not None
    assert moved.revocation.object_id == before.message.id
    assert first is not None
    assert first.revocation is None


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
