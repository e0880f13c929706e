"""Rules for timestamps, durations and delays.

Two clocks never agree. What can be told only by comparing ours with the peer's is judged with a tolerance, and as a
warning. Differences are compared, never sums: a sum may lie beyond the years that a datetime can hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate

from s2.descriptions import CLOCK_TOLERANCE, SKEW, SystemDescription, machine_in
from s2.findings import Finding, Severity
from s2.messages import (
    DDBCAverageDemandRateForecast,
    DDBCAverageDemandRateForecastElement,
    DDBCSystemDescription,
    FRBCFillLevelTargetProfile,
    FRBCFillLevelTargetProfileElement,
    FRBCLeakageBehaviour,
    FRBCSystemDescription,
    FRBCUsageForecast,
    FRBCUsageForecastElement,
    Instruction,
    InstructionStatus,
    InstructionStatusUpdate,
    Message,
    OMBCSystemDescription,
    PEBCEnergyConstraint,
    PEBCInstruction,
    PEBCPowerConstraints,
    PEBCPowerEnvelopeElement,
    PowerForecast,
    PowerForecastElement,
    PowerMeasurement,
    PPBCPowerProfileDefinition,
    PPBCPowerSequenceElement,
)
from s2.resource import Status, TimerStatus, actuator_of
from s2.rules.envelopes import envelopes_of
from s2.rules.instructions import INSTRUCTIONS
from s2.rules.places import sequences_of
from s2.rules.references import STATUSES, TIMER_STATUSES, any_has_timer, has_mode
from s2.rules.registry import Breach, Rule, Situation, Upheld, declare, rule

#: Nobody plans further ahead; a timestamp there has a mistake in its year or in its unit.
FURTHEST_PLAN = timedelta(days=366)

#: What a device may take to start on top of its instruction_processing_delay, which is an average.
STARTING_TIME = timedelta(minutes=1)

_BEGIN = (
    OMBCSystemDescription,
    FRBCSystemDescription,
    DDBCSystemDescription,
    FRBCLeakageBehaviour,
    PEBCPowerConstraints,
    PEBCEnergyConstraint,
)
_START = (PowerForecast, FRBCUsageForecast, FRBCFillLevelTargetProfile, DDBCAverageDemandRateForecast)

#: How far ahead each timestamp may lie. A valid_until may be as far away as its sender likes.
_FURTHEST: Mapping[type[Message], tuple[tuple[str, timedelta], ...]] = {
    PowerMeasurement: (("measurement_timestamp", SKEW),),
    InstructionStatusUpdate: (("timestamp", SKEW),),
    **dict.fromkeys(STATUSES, (("transition_timestamp", SKEW),)),
    **dict.fromkeys(TIMER_STATUSES, (("finished_at", FURTHEST_PLAN),)),
    **dict.fromkeys(INSTRUCTIONS, (("execution_time", FURTHEST_PLAN),)),
    **dict.fromkeys(_BEGIN, (("valid_from", FURTHEST_PLAN),)),
    **dict.fromkeys(_START, (("start_time", FURTHEST_PLAN),)),
    PPBCPowerProfileDefinition: (("start_time", FURTHEST_PLAN), ("end_time", FURTHEST_PLAN)),
}


@rule(
    Rule(
        "R-21",
        "What has happened does not lie in the future, and what is planned lies within a year.",
        "s2-kit S2-MSG-003",
        Severity.WARNING,
    ),
    *_FURTHEST,
)
def moments_are_near(message: Message, situation: Situation) -> Iterator[Breach]:
    for field, furthest in _FURTHEST[type(message)]:
        moment: datetime | None = getattr(message, field)
        if moment is not None and moment - situation.now > furthest:
            ahead = _in_words(moment - situation.now)
            yield f"$.{field}", f"should lie at most {_in_words(furthest)} ahead, lies {ahead} ahead"


R_22 = declare(Rule("R-22", "Timestamps carry an offset.", "schema, date-time; RFC 3339", upheld=Upheld.BY_MODELS))


_Element = (
    PowerForecastElement
    | FRBCUsageForecastElement
    | FRBCFillLevelTargetProfileElement
    | DDBCAverageDemandRateForecastElement
    | PPBCPowerSequenceElement
    | PEBCPowerEnvelopeElement
)
_Timed = (
    PowerForecast
    | FRBCUsageForecast
    | FRBCFillLevelTargetProfile
    | DDBCAverageDemandRateForecast
    | PPBCPowerProfileDefinition
    | PEBCInstruction
)

#: RFC 3339 writes a year with four digits.
_END_OF_TIME = datetime.max.replace(tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


@rule(
    Rule(
        "R-33",
        "Elements follow one another from the start on, and each of them has its place in time.",
        "schema PowerForecast and others",
    ),
    PowerForecast,
    FRBCUsageForecast,
    FRBCFillLevelTargetProfile,
    DDBCAverageDemandRateForecast,
    PPBCPowerProfileDefinition,
    PEBCInstruction,
)
def elements_have_their_time(message: _Timed, _: Situation) -> Iterator[Breach]:
    for path, start, elements in _time_lines(message):
        room_ms = (_END_OF_TIME - start) // _MILLISECOND
        for index, end_ms in enumerate(accumulate(element.duration for element in elements)):
            if end_ms > room_ms:
                yield f"{path}[{index}].duration", f"should end within the year 9999, {room_ms} ms from the start"
                break


def _time_lines(message: _Timed) -> Iterator[tuple[str, datetime, Sequence[_Element]]]:
    match message:
        case PPBCPowerProfileDefinition():
            for path, steps in sequences_of(message):
                yield path, message.start_time, steps
        case PEBCInstruction():
            for path, envelope in envelopes_of(message):
                yield f"{path}.power_envelope_elements", message.execution_time, envelope.power_envelope_elements
        case _:
            yield "$.elements", message.start_time, message.elements


@rule(
    # Evidence only: "as soon as possible" is for the device to judge.
    Rule(
        "R-41",
        "An instruction starts at its execution_time, or as soon as possible when that is past.",
        "schema, execution_time",
        Severity.WARNING,
        needs_session=True,
    ),
    InstructionStatusUpdate,
)
def start_is_on_time(message: InstructionStatusUpdate, situation: Situation) -> Iterator[Breach]:
    if message.status_type not in (InstructionStatus.STARTED, InstructionStatus.SUCCEEDED):
        return
    entry = situation.ledger.get(message.instruction_id)
    if entry is None:
        return
    planned = entry.instruction.execution_time
    if planned > entry.at and planned - message.timestamp > SKEW:
        yield "$.timestamp", f"is {_in_words(planned - message.timestamp)} before the execution_time"
    elif message.status_type is InstructionStatus.STARTED and entry.status is not InstructionStatus.STARTED:
        taken = message.timestamp - max(planned, entry.at)
        if taken - STARTING_TIME > _processing_delay(situation) and not _had_to_wait(entry.findings):
            yield "$.timestamp", f"is {_in_words(taken)} after the instruction could have started"


def _had_to_wait(findings: Sequence[Finding]) -> bool:
    """Whether a timer blocked what was instructed: a device may hold the instruction until then (R-54)."""
    return any(each.rule == "R-54" for each in findings)


@rule(
    # Only a notice that is short beyond what clocks may differ: an execution_time of about now means at once.
    Rule(
        "R-47",
        "An instruction for later comes at least the instruction_processing_delay ahead.",
        "schema ResourceManagerDetails",
        Severity.WARNING,
        needs_session=True,
    ),
    *INSTRUCTIONS,
)
def notice_is_long_enough(message: Instruction, situation: Situation) -> Iterator[Breach]:
    notice = message.execution_time - situation.now
    if notice <= CLOCK_TOLERANCE:
        return
    delay = _processing_delay(situation)
    if notice < delay - CLOCK_TOLERANCE:
        yield "$.execution_time", f"should be {_in_words(delay)} ahead, is {_in_words(notice)} ahead"


def _processing_delay(situation: Situation) -> timedelta:
    details = situation.resource.details
    return timedelta() if details is None else timedelta(milliseconds=details.instruction_processing_delay)


@rule(
    Rule(
        "R-42",
        "A description counts from its valid_from on; until then the one before it stays in force.",
        "schema, valid_from of descriptions",
        Severity.WARNING,
        needs_session=True,
    ),
    *STATUSES,
    *TIMER_STATUSES,
)
def description_is_not_used_early(message: Status | TimerStatus, situation: Situation) -> Iterator[Breach]:
    begun: list[SystemDescription] = []
    announced: list[SystemDescription] = []
    for each in situation.resource.descriptions:
        # What is announced for now counts at once on a clock that is ahead of ours.
        (begun if each.valid_from - situation.now <= SKEW else announced).append(each)
    if not announced or any(_holds(each, message) for each in begun):
        return
    early = next((each for each in announced if _holds(each, message)), None)
    if early is not None:
        field = "timer_id" if isinstance(message, TIMER_STATUSES) else "active_operation_mode_id"
        yield (
            f"$.{field}",
            f"counts only in {_in_words(early.valid_from - situation.now)}, by the description's valid_from",
        )


def _holds(description: SystemDescription, message: Status | TimerStatus) -> bool:
    """Whether the description has the mode or timer that is reported."""
    machine = machine_in(description, actuator_of(message))
    if machine is None:
        return False
    if isinstance(message, TIMER_STATUSES):
        return any_has_timer([machine], message.timer_id)
    return has_mode(machine, message.active_operation_mode_id)


def _in_words(span: timedelta) -> str:
    return f"{span.days} days" if span >= _TWO_DAYS else f"{span.total_seconds():g} s"


_TWO_DAYS = timedelta(days=2)
