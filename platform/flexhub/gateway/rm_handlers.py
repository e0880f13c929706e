"""What the events of a session with the role RM mean, and what its hosted RM has it say. Pure.

Opened, a selection, an instruction, a revocation → a letter for the hosted RM, which is woken
opened, selected                                  → snapshot, with the letter
accepted or refused message                       → conversation, with its findings
verdict on ours                                   → conversation when it is not OK
what the RM says                                  → snapshot, telemetry, conversation once it is sent

The snapshot holds what the RM has said in this session, for people to look at. A description that was announced for
later is shown at once: no energy manager of ours goes by this snapshot, as one that is ours has a session of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import Enum, auto
from typing import Any

import structlog

from flexhub.bus import Envelope, LetterKind
from flexhub.bus.snapshot import CONTROL_TYPE_FIELD, PROFILE_FIELD
from flexhub.gateway import handlers
from flexhub.gateway.handlers import Turn
from flexhub.gateway.hosted_rm import HostedRM
from flexhub.gateway.inbox import REFUSED, findings_of
from flexhub.gateway.relay import RelayEnd
from flexhub.gateway.relay_events import RelayEvent
from s2.errors import LocalProtocolError, S2Error
from s2.events import (
    AcknowledgementMissing,
    CloseRequested,
    ControlTypeSelected,
    InstructionRevoked,
    MessageReceived,
    MessageRefused,
    Opened,
    ReceptionReceived,
    ReceptionUnmatched,
)
from s2.findings import Finding, Severity
from s2.messages import (
    EnergyManagementRole,
    Message,
    PowerMeasurement,
    ResourceManagerDetails,
    RevokeObject,
    SelectControlType,
    dump_message,
    parse_message,
)
from s2.rules.instructions import INSTRUCTIONS
from s2.session import Session
from s2.states import permits, senders_of
from s2.versions import WireProfile

logger = structlog.get_logger(__name__)

_RM = EnergyManagementRole.RM
# What stands where a finding names its rule is none of S2's, but one of this server.
_NOT_TAKEN = Finding("gateway", Severity.ERROR, "it could not be taken in; the connection was closed without an answer")


class Emission(Enum):
    """What became of a message of the hosted RM."""

    SENT = auto()
    DROPPED = auto()  # It was sent before, or speaks of a control type that is over.
    BROKEN = auto()  # Nothing can be made of it, so that its RM and this session have to start over.


def letters_of(
    events: Iterable[RelayEvent], text: str | None, profile: WireProfile | None
) -> list[tuple[LetterKind, str]]:
    """The letters that the events are worth, each with its payload. `text` is the frame that caused them."""
    letters: list[tuple[LetterKind, str]] = []
    heard = ""
    for event in events:
        match event:
            case Opened():
                letters.append(("opened", event.profile.value))
            case ControlTypeSelected():
                letters.append(("selected", event.control_type.value))
            case MessageReceived():
                as_taken = text is None or event.rewritten
                heard = dump_message(event.message, profile or WireProfile.V1_0_0) if as_taken else str(text)
                if isinstance(event.message, INSTRUCTIONS):
                    letters.append(("instruction", heard))
            case InstructionRevoked():
                letters.append(("revoked", heard))
            case _:
                pass
    return letters


def take_in(turn: Turn, events: Iterable[RelayEvent]) -> None:
    """Bring the snapshot up to what the session has settled. At once: the RM may speak before we have answered."""
    for event in events:
        match event:
            case Opened():
                turn.seat.fold(turn.batch, PROFILE_FIELD, event.profile.value)
            case MessageReceived(message=SelectControlType()):
                # What was offered under the control type before is void.
                turn.seat.reset_control_type(turn.batch)
            case ControlTypeSelected():
                turn.seat.fold(turn.batch, CONTROL_TYPE_FIELD, event.control_type.value)
            case _:
                pass


def handle(turn: Turn, events: Iterable[RelayEvent]) -> CloseRequested | None:
    """Add what the events mean to the turn's batch; returns the last wish of a session that is over."""
    if turn.seat.rm is not None and turn.seat.rm.refused:
        # The session took it in, but was not allowed to say so.
        turn.log_received(turn.text or "", None, (_NOT_TAKEN,))
        return None
    return handlers.handle_by(_MEANINGS, turn, events)


def emit(turn: Turn, rm: HostedRM, envelope: Envelope) -> Emission:
    """Hand a message of the hosted RM to the session. The caller flushes the seat once it is SENT."""
    session = turn.seat.session
    if rm.sent.find(envelope.message_id) is not None:
        logger.info("gateway.rm.repeated", end_id=str(envelope.link_id), message_id=envelope.message_id)
        return Emission.DROPPED
    try:
        message = parse_message(envelope.payload, session.profile or WireProfile.V1_0_0)
    except S2Error as error:
        logger.error("gateway.rm.unreadable", end_id=str(envelope.link_id), error=str(error))
        turn.log_sent(envelope.payload, status=REFUSED)
        return Emission.BROKEN
    try:
        session.send(message, turn.at)
    except LocalProtocolError as error:
        is_late = _is_late(session, message)
        turn.log_sent(envelope.payload, status=REFUSED, findings=findings_of(message, error))
        logger.warning("gateway.rm.refused", end_id=str(envelope.link_id), is_late=is_late, error=str(error))
        return Emission.DROPPED if is_late else Emission.BROKEN
    rm.sent.add(envelope.message_id)
    _published(turn, rm, message, envelope.payload)
    return Emission.SENT


def _is_late(session: Session | RelayEnd, message: Message) -> bool:
    """Whether the message is refused because the control type is another one than when it was decided.

    The RM is told of a selection by letter, and what it has sent off until it reads that is for the one before. Where
    the same control type was selected again, nothing is refused for that: statuses may come before their description.
    """
    message_type = message.message_type
    return _RM in senders_of(message_type) and not permits(session.state, _RM, message_type)


def _published(turn: Turn, rm: HostedRM, message: Message, text: str) -> None:
    if isinstance(message, PowerMeasurement):
        _measured(turn, rm, message)
    elif isinstance(message, ResourceManagerDetails):
        turn.seat.reset_control_type(turn.batch)
    elif isinstance(message, RevokeObject):
        handlers.revoked(turn, message)
    handlers.fold(turn, message, text)


def _measured(turn: Turn, rm: HostedRM, message: PowerMeasurement) -> None:
    if rm.measured_as is not None:
        for value in message.values:
            turn.batch.measure(
                rm.measured_as, value.commodity_quantity.value, message.measurement_timestamp, value.value
            )


def _accepted(turn: Turn, event: MessageReceived) -> None:
    text = turn.text if turn.text is not None else handlers.text_of(turn.seat, event.message)
    turn.log_received(text, event.status, event.findings)


# InstructionUpdated means nothing here: an instruction that ends with its control type, the letter of a selection ends.
_MEANINGS: Mapping[type, Callable[[Turn, Any], None]] = {
    MessageReceived: _accepted,
    MessageRefused: handlers.refused,
    ReceptionReceived: handlers.judged,
    ReceptionUnmatched: handlers.unmatched,
    AcknowledgementMissing: handlers.unanswered,
}
