"""What workers send to sessions: each envelope becomes a message on the wire, or a row that says why it did not."""

from __future__ import annotations

from typing import get_args

import structlog

from flexhub.bus import Envelope, LedgerRow
from flexhub.gateway.handlers import Turn
from s2.errors import LocalProtocolError, RuleBroken, S2Error
from s2.findings import Finding, Severity
from s2.messages import (
    DDBCInstruction,
    FRBCInstruction,
    Instruction,
    Message,
    OMBCInstruction,
    SelectControlType,
    parse_message,
)
from s2.versions import WireProfile

logger = structlog.get_logger(__name__)

# Our words in the ledger, beside those of the standard.
REFUSED = "REFUSED"  # The seat did not send the instruction, because it would have broken a rule.
UNDELIVERED = "UNDELIVERED"  # The session was gone before the instruction could be sent.

_INSTRUCTIONS = get_args(Instruction)


def emit(turn: Turn, envelope: Envelope) -> bool:
    """Hand a worker's message to the session; False when it was not taken. The caller then flushes the seat.

    Raises S2Error for what is no message.
    """
    seat = turn.seat
    message = parse_message(envelope.payload, seat.session.profile or WireProfile.V1_0_0)
    if isinstance(message, _INSTRUCTIONS) and seat.session.ledger.knows(message.id):
        # A worker whose connection broke cannot know whether it had published, and does so again.
        logger.info("gateway.inbox.repeated", link_id=str(envelope.link_id), instruction_id=message.id)
        return False
    if isinstance(message, SelectControlType) and message.control_type is seat.session.control_type:
        return False
    try:
        seat.session.send(message, turn.at)
    except LocalProtocolError as error:
        _refuse(turn, envelope, message, error)
        return False
    if isinstance(message, SelectControlType):
        # What was offered under the control type before is void; the new one counts once it is acknowledged.
        seat.reset_control_type(turn.batch)
    _remember_mode(turn, message)
    return True


def instruction_id(envelope: Envelope) -> str | None:
    """The id of the instruction that an envelope carries, or None if it carries something else."""
    try:
        message = parse_message(envelope.payload, WireProfile.V1_0_0)
    except S2Error:
        return None
    return message.id if isinstance(message, _INSTRUCTIONS) else None


def _refuse(turn: Turn, envelope: Envelope, message: Message, error: LocalProtocolError) -> None:
    findings = findings_of(message, error)
    turn.log_sent(envelope.payload, status=REFUSED, findings=findings)
    logger.warning("gateway.inbox.refused", link_id=str(envelope.link_id), error=str(error))
    if isinstance(message, _INSTRUCTIONS):
        turn.batch.ledger(
            LedgerRow(
                tenant_id=turn.seat.info.tenant_id,
                link_id=turn.seat.info.link_id,
                instruction_id=message.id,
                at=turn.at,
                status=REFUSED,
                findings=tuple(finding.as_dict() for finding in findings),
            )
        )


def findings_of(message: Message, error: LocalProtocolError) -> tuple[Finding, ...]:
    """Why a session would not send the message. In the wrong state or version it breaks R-12, whatever it says."""
    if isinstance(error, RuleBroken):
        return error.findings
    return (Finding("R-12", Severity.ERROR, str(error), message_type=message.message_type),)


def _remember_mode(turn: Turn, message: Message) -> None:
    match message:
        case FRBCInstruction():
            turn.seat.wakes.instructed(message.actuator_id, message.operation_mode)
        case DDBCInstruction():
            turn.seat.wakes.instructed(message.actuator_id, message.operation_mode_id)
        case OMBCInstruction():
            turn.seat.wakes.instructed("", message.operation_mode_id)
