"""What follows from an instruction alone: what it is about, when it has to be looked at, and when it is over. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from s2.messages import (
    FRBCInstruction,
    Instruction,
    OMBCInstruction,
    PEBCInstruction,
    PEBCPowerEnvelope,
    PEBCPowerEnvelopeElement,
    PPBCPowerProfileStatus,
    PPBCPowerSequenceContainerStatus,
    PPBCPowerSequenceStatus,
    PPBCScheduleInstruction,
)

#: The lane of all envelopes: a device follows one at a time.
ENVELOPE = "envelope"

_MILLISECOND = timedelta(milliseconds=1)


def lane_of(instruction: Instruction) -> str:
    """What the instruction is about; of two for the same lane the newer one counts."""
    match instruction:
        case PEBCInstruction():
            return ENVELOPE
        case OMBCInstruction():
            return "mode:"
        case PPBCScheduleInstruction():
            return f"start:{instruction.sequence_container_id}"
    if hasattr(instruction, "actuator_id"):
        return f"mode:{instruction.actuator_id}"
    return f"pause:{getattr(instruction, 'sequence_container_id', '')}"


def mode_of(instruction: Instruction) -> str | None:
    """The instructed mode; None where the instruction is not about modes."""
    if isinstance(instruction, FRBCInstruction):
        return instruction.operation_mode
    return getattr(instruction, "operation_mode_id", None)


def lasts(instruction: Instruction) -> bool:
    """Whether it goes on after its effect has shown: an envelope to its end, a sequence to its own."""
    return isinstance(instruction, PEBCInstruction | PPBCScheduleInstruction)


def begin_of(instruction: Instruction, taken_at: datetime) -> datetime:
    return max(taken_at, instruction.execution_time)


def next_step(instruction: Instruction, begin: datetime, now: datetime) -> datetime | None:
    """When the next element of an envelope begins, or the last one ends; None where nothing more follows."""
    if not isinstance(instruction, PEBCInstruction):
        return None
    ends = [_after(begin, end) for envelope in instruction.power_envelopes for end in _ends_ms(envelope)]
    return min((each for each in ends if each > now), default=None)


def from_now_on(instruction: Instruction, begin: datetime, now: datetime) -> Instruction | None:
    """The instruction as it holds from now on, to be carried out at once; None where it is over."""
    if not isinstance(instruction, PEBCInstruction):
        return replace(instruction, execution_time=now)
    passed_ms = (now - begin) // _MILLISECOND
    envelopes = tuple(
        replace(each, power_envelope_elements=left)
        for each in instruction.power_envelopes
        if (left := _elements_left(each, passed_ms))
    )
    return replace(instruction, execution_time=now, power_envelopes=envelopes) if envelopes else None


def status_in(
    reports: Iterable[object], instruction: PPBCScheduleInstruction
) -> PPBCPowerSequenceContainerStatus | None:
    """What the device reports of the container that the instruction starts."""
    for report in reports:
        if isinstance(report, PPBCPowerProfileStatus):
            for each in report.sequence_container_status:
                if _is_about(each, instruction):
                    return each
    return None


def with_schedules(
    report: PPBCPowerProfileStatus, waiting: Iterable[PPBCScheduleInstruction]
) -> PPBCPowerProfileStatus:
    """The report with the starts that wait for their time here, of which the device does not know."""
    statuses = list(report.sequence_container_status)
    for instruction in waiting:
        for index, each in enumerate(statuses):
            if _is_about(each, instruction) and each.status is PPBCPowerSequenceStatus.NOT_SCHEDULED:
                statuses[index] = replace(
                    each,
                    status=PPBCPowerSequenceStatus.SCHEDULED,
                    selected_sequence_id=instruction.power_sequence_id,
                )
    return replace(report, sequence_container_status=tuple(statuses))


def _is_about(status: PPBCPowerSequenceContainerStatus, instruction: PPBCScheduleInstruction) -> bool:
    named = (instruction.power_profile_id, instruction.sequence_container_id)
    return (status.power_profile_id, status.sequence_container_id) == named


def _elements_left(envelope: PEBCPowerEnvelope, passed_ms: int) -> tuple[PEBCPowerEnvelopeElement, ...]:
    left = []
    for element, end_ms in zip(envelope.power_envelope_elements, _ends_ms(envelope), strict=True):
        if end_ms > passed_ms:
            left.append(replace(element, duration=min(element.duration, end_ms - passed_ms)))
    return tuple(left)


def _ends_ms(envelope: PEBCPowerEnvelope) -> list[int]:
    ends, end_ms = [], 0
    for element in envelope.power_envelope_elements:
        end_ms += element.duration
        ends.append(end_ms)
    return ends


def _after(begin: datetime, milliseconds: int) -> datetime:
    try:
        return begin + timedelta(milliseconds=milliseconds)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)
