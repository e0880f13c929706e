"""Builds S2 instructions from what was decided. Pure: ids and times are passed in.

None of them claims an abnormal condition: that takes the act of an operator or of the grid (R-40).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypedDict

from s2.messages import (
    CommodityQuantity,
    DDBCInstruction,
    FRBCInstruction,
    OMBCInstruction,
    PEBCInstruction,
    PEBCPowerEnvelope,
    PEBCPowerEnvelopeElement,
    PPBCEndInterruptionInstruction,
    PPBCScheduleInstruction,
    PPBCStartInterruptionInstruction,
    RevokableObjects,
    RevokeObject,
)

NewId = Callable[[], str]


class _Common(TypedDict):
    message_id: str
    id: str
    execution_time: datetime
    abnormal_condition: bool


def _common(execution_time: datetime, new_id: NewId) -> _Common:
    """What all instructions have."""
    return _Common(message_id=new_id(), id=new_id(), execution_time=execution_time, abnormal_condition=False)


@dataclass(frozen=True, slots=True)
class Envelope:
    """Both limits of one quantity in W, as one element has to give them (R-73)."""

    quantity: CommodityQuantity
    lower_limit_w: float
    upper_limit_w: float


def frbc_instruction(
    *, actuator_id: str, mode_id: str, factor: float, execution_time: datetime, new_id: NewId
) -> FRBCInstruction:
    return FRBCInstruction(
        actuator_id=actuator_id,
        operation_mode=mode_id,
        operation_mode_factor=factor,
        **_common(execution_time, new_id),
    )


def ombc_instruction(*, mode_id: str, factor: float, execution_time: datetime, new_id: NewId) -> OMBCInstruction:
    return OMBCInstruction(
        operation_mode_id=mode_id,
        operation_mode_factor=factor,
        **_common(execution_time, new_id),
    )


def ddbc_instruction(
    *, actuator_id: str, mode_id: str, factor: float, execution_time: datetime, new_id: NewId
) -> DDBCInstruction:
    return DDBCInstruction(
        actuator_id=actuator_id,
        operation_mode_id=mode_id,
        operation_mode_factor=factor,
        **_common(execution_time, new_id),
    )


def pebc_instruction(
    *,
    constraints_id: str,
    elements: Sequence[tuple[timedelta, Sequence[Envelope]]],
    execution_time: datetime,
    new_id: NewId,
) -> PEBCInstruction:
    """One envelope for each quantity (R-74); all elements have to limit the same quantities, in the same order."""
    quantities = [envelope.quantity for envelope in elements[0][1]]
    return PEBCInstruction(
        power_constraints_id=constraints_id,
        power_envelopes=tuple(
            PEBCPowerEnvelope(
                id=new_id(),
                commodity_quantity=quantity,
                power_envelope_elements=tuple(
                    PEBCPowerEnvelopeElement(
                        duration=round(duration / timedelta(milliseconds=1)),
                        upper_limit=envelopes[index].upper_limit_w,
                        lower_limit=envelopes[index].lower_limit_w,
                    )
                    for duration, envelopes in elements
                ),
            )
            for index, quantity in enumerate(quantities)
        ),
        **_common(execution_time, new_id),
    )


ProfileInstruction = PPBCScheduleInstruction | PPBCStartInterruptionInstruction | PPBCEndInterruptionInstruction

_REVOKED_AS = {
    PPBCScheduleInstruction: RevokableObjects.PPBC_SCHEDULE_INSTRUCTION,
    PPBCStartInterruptionInstruction: RevokableObjects.PPBC_START_INTERRUPTION_INSTRUCTION,
    PPBCEndInterruptionInstruction: RevokableObjects.PPBC_END_INTERRUPTION_INSTRUCTION,
}


def ppbc_instruction(
    kind: type[ProfileInstruction],
    *,
    profile_id: str,
    container_id: str,
    sequence_id: str,
    execution_time: datetime,
    new_id: NewId,
) -> ProfileInstruction:
    """The start of a sequence, or of an interruption of it, or the end of one."""
    return kind(
        power_profile_id=profile_id,
        sequence_container_id=container_id,
        power_sequence_id=sequence_id,
        **_common(execution_time, new_id),
    )


def revocation_of(told: ProfileInstruction, new_id: NewId) -> RevokeObject:
    """Takes an instruction back before another one is told (R-102)."""
    return RevokeObject(message_id=new_id(), object_type=_REVOKED_AS[type(told)], object_id=told.id)
