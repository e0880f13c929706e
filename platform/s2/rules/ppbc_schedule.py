"""Rules for what a CEM makes of a power profile: which sequence starts when, and when it is paused.

A schedule is judged against the starts that the CEM has told before and that still stand (see `ppbc_plan`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from s2.findings import Severity
from s2.messages import (
    InstructionStatus,
    PPBCEndInterruptionInstruction,
    PPBCScheduleInstruction,
    PPBCStartInterruptionInstruction,
)
from s2.rules.instructions import PROFILE_INSTRUCTIONS, ProfileInstruction, moment_of
from s2.rules.ppbc import OVER, RUNNING, duration_ms
from s2.rules.ppbc_plan import Plan, index_in, sequence_in
from s2.rules.registry import Breach, Rule, Situation, rule

#: Clocks differ, and an instruction is on its way for a while.
TOLERANCE_S = 5.0

_Interruption = PPBCStartInterruptionInstruction | PPBCEndInterruptionInstruction

_WAITING = (None, InstructionStatus.NEW, InstructionStatus.ACCEPTED)


@rule(
    # That the profile itself is published is R-44.
    Rule(
        "R-93",
        "An instruction names a container of the profile and a sequence of that container.",
        "schema PPBC.ScheduleInstruction",
        needs_session=True,
    ),
    *PROFILE_INSTRUCTIONS,
)
def sequence_exists(message: ProfileInstruction, situation: Situation) -> Iterator[Breach]:
    profile = situation.resource.profiles.get(message.power_profile_id)
    if profile is None:
        return
    index = index_in(profile, message.sequence_container_id)
    if index is None:
        yield "$.sequence_container_id", f"{message.sequence_container_id} is no container of profile {profile.id}"
    elif sequence_in(profile.power_sequences_containers[index], message.power_sequence_id) is None:
        text = f"{message.power_sequence_id} is no sequence of container {message.sequence_container_id}"
        yield "$.power_sequence_id", text


@rule(
    Rule(
        "R-94",
        "Sequences run within the window of the profile, in the order of the containers, without overlap.",
        "schema PPBC.PowerProfileDefinition",
        needs_session=True,
        rejected_by_update=True,
    ),
    PPBCScheduleInstruction,
)
def schedule_keeps_window_and_order(message: PPBCScheduleInstruction, situation: Situation) -> Iterator[Breach]:
    plan = Plan.of(message, situation)
    if plan is None:
        return
    begin_s = plan.since_start(moment_of(message, situation.now))
    end_s = begin_s + duration_ms(plan.sequence) / 1000
    yield from _outside_window(plan, begin_s, end_s)
    for before in plan.containers_before:
        done_s = plan.earliest_end_s(before)
        if done_s is not None and begin_s < done_s - TOLERANCE_S:
            yield "$.execution_time", f"should be {done_s - begin_s:g} s later, when container {before.id} is done"
    for after in plan.containers_after:
        start = None if plan.is_in(after, RUNNING) else plan.standing_start(after)
        if start is not None and end_s > plan.since_start(start.moment) + TOLERANCE_S:
            over_s = end_s - plan.since_start(start.moment)
            yield "$.execution_time", f"should be {over_s:g} s earlier, before container {after.id} begins"


def _outside_window(plan: Plan, begin_s: float, end_s: float) -> Iterator[Breach]:
    if begin_s < -TOLERANCE_S:
        yield "$.execution_time", f"should not be before the profile's start_time, {_told(plan.profile.start_time)}"
    rest_s = plan.rest_s()
    late_s = end_s + rest_s - plan.window_s
    # Where no start could be in time any more, late is better than never.
    in_time = plan.earliest_s() + plan.shortest_s(plan.container) + rest_s <= plan.window_s
    if late_s > TOLERANCE_S and in_time:
        text = f"should be {late_s:g} s earlier, to be done by the profile's end_time, {_told(plan.profile.end_time)}"
        yield "$.execution_time", text


@rule(
    # Only a warning: the end of the sequence before is mostly a planned one, and that plan may yet be changed.
    Rule(
        "R-95",
        "A sequence starts no later after the one before it than its max_pause_before.",
        "schema PPBC.PowerSequence",
        Severity.WARNING,
        needs_session=True,
    ),
    PPBCScheduleInstruction,
)
def pause_is_not_too_long(message: PPBCScheduleInstruction, situation: Situation) -> Iterator[Breach]:
    plan = Plan.of(message, situation)
    if plan is None or plan.sequence.max_pause_before is None or not plan.containers_before:
        return
    before = plan.containers_before[-1]
    end_s = plan.latest_end_s(before)
    most_s = plan.sequence.max_pause_before / 1000
    # Where the pause has already become too long, a start at once is the best that is left.
    if end_s is None or plan.now_s - end_s > most_s:
        return
    pause_s = plan.since_start(moment_of(message, situation.now)) - end_s
    if pause_s > most_s + TOLERANCE_S:
        yield "$.execution_time", f"a pause of {pause_s:g} s after container {before.id} should not exceed {most_s:g} s"


@rule(
    Rule(
        "R-96",
        "Only the selected sequence of a container is paused, while it is not over and if it is interruptible.",
        "schema PPBC.PowerSequence; s2-kit S2-PPBC-003",
        needs_session=True,
    ),
    PPBCStartInterruptionInstruction,
    PPBCEndInterruptionInstruction,
)
def sequence_can_be_paused(message: _Interruption, situation: Situation) -> Iterator[Breach]:
    plan = Plan.of(message, situation)
    if plan is None:
        return
    if not plan.sequence.is_interruptible:
        yield "$.power_sequence_id", f"{plan.sequence.id} is not interruptible"
    status, start = plan.status_of(plan.container), plan.starts.get(plan.container.id)
    if status is not None and status.status in OVER:
        yield "$.sequence_container_id", f"container {plan.container.id} is over, its status is {status.status.value}"
        return
    # A start that was told lately may not show in the status yet.
    selected = {status.selected_sequence_id} if status is not None else set()
    selected |= {start.instruction.power_sequence_id} if start is not None else set()
    if selected and plan.sequence.id not in selected:
        names = " or ".join(sorted(each for each in selected if each is not None))
        yield "$.power_sequence_id", f"{plan.sequence.id} is not selected; should be {names or 'scheduled before'}"


@rule(
    # To pause a sequence is not to use it.
    Rule(
        "R-101",
        "A sequence for abnormal conditions runs only with abnormal_condition.",
        "schema PPBC.PowerSequence",
        needs_session=True,
    ),
    PPBCScheduleInstruction,
    PPBCEndInterruptionInstruction,
)
def abnormal_sequence_needs_the_condition(
    message: PPBCScheduleInstruction | PPBCEndInterruptionInstruction, situation: Situation
) -> Iterator[Breach]:
    plan = Plan.of(message, situation)
    if plan is not None and plan.sequence.abnormal_condition_only and not message.abnormal_condition:
        yield "$.power_sequence_id", f"{plan.sequence.id} is for abnormal conditions only"


@rule(
    # The standard does not say how a start is moved; an RM that keeps both would not know which one counts.
    Rule(
        "R-102",
        "A start that was told is revoked before another one is told for the same container.",
        "our reading of PPBC.ScheduleInstruction",
        Severity.WARNING,
        needs_session=True,
    ),
    PPBCScheduleInstruction,
)
def former_start_is_revoked(message: PPBCScheduleInstruction, situation: Situation) -> Iterator[Breach]:
    plan = Plan.of(message, situation)
    if plan is None:
        return
    start = plan.standing_start(plan.container)
    if start is not None and start.entry.status in _WAITING and not plan.is_in(plan.container, RUNNING):
        told = _told(start.instruction.execution_time)
        yield "$.sequence_container_id", f"instruction {start.instruction.id}, for {told}, should be revoked before"


def _told(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S%z}"
