"""What an end of a relayed link brings about: its events become rows of the batch, its parcels envelopes.

Each end writes under its own id what its own peer said, with the findings. The RM's end has the link's id, and so its
conversation is the link's: it also shows what the RM was told. So it has the link's snapshot as well, with what the CEM
has taken of what the RM said: for people to look at, since no CEM of ours goes by it, and no site is woken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from flexhub.bus import Batch, Envelope, SeatAddress
from flexhub.bus.snapshot import CONTROL_TYPE_FIELD, PROFILE_FIELD
from flexhub.gateway.handlers import Turn, fold, handle_by, revoked
from flexhub.gateway.relay import RelayEnd
from flexhub.gateway.relay_events import Delivered, Disputed, Farewell, Passed, RelayEvent, Taken
from flexhub.gateway.seats import Seat
from s2.events import AcknowledgementMissing, CloseRequested, MessageRefused, ReceptionReceived, ReceptionUnmatched
from s2.messages import (
    EnergyManagementRole,
    PowerMeasurement,
    ReceptionStatusValues,
    ResourceManagerDetails,
    RevokeObject,
    dump_message,
)
from s2.versions import ALL_PROFILES


def record(turn: Turn, end: RelayEnd, events: Iterable[RelayEvent]) -> CloseRequested | None:
    """Add what the events mean to the turn's batch; returns the last wish of an end that is over."""
    closing = handle_by(_MEANINGS, turn, (*end.take_untold(), *events), end)
    if end.peer is EnergyManagementRole.RM:
        _show_state(turn, end)
    return closing


def post(seat: Seat, end: RelayEnd, process: str, batch: Batch) -> None:
    """Put the end's parcels into the batch, in their order."""
    for parcel in end.take_parcels():
        sender = SeatAddress(seat.info.link_id, process, seat.token)
        to = parcel.to
        envelope = Envelope(to.end_id, parcel.kind, parcel.payload, parcel.message_id, to.token, sender)
        batch.forward(to.process, envelope)


def open_envelope(turn: Turn, end: RelayEnd, envelope: Envelope) -> list[RelayEvent]:
    """Tell the end what came from the far end."""
    far = envelope.sender
    if far is None:
        return []
    if envelope.kind == "hello":
        return end.hear_hello(far, ready=envelope.payload == "ready", now=turn.at)
    if envelope.kind == "bye":
        return end.hear_bye(far, turn.at)
    if envelope.kind == "relayed":
        return end.hear_message(envelope.payload, envelope.message_id, far, turn.at)
    return end.hear_reception(envelope.payload, envelope.message_id, far, turn.at)


def nobody_here(envelope: Envelope, process: str, batch: Batch) -> None:
    """Answer for a session that this process does not hold any more."""
    if envelope.sender is None or envelope.token is None or envelope.kind == "bye":
        return
    gone = SeatAddress(envelope.link_id, process, envelope.token)
    to = envelope.sender
    batch.forward(to.process, Envelope(to.end_id, "bye", "", token=to.token, sender=gone))


def _show_state(turn: Turn, end: RelayEnd) -> None:
    """What both peers have settled."""
    seat = turn.seat
    if seat.text_of(PROFILE_FIELD) != end.profile:
        seat.fold(turn.batch, PROFILE_FIELD, end.profile)
    if seat.text_of(CONTROL_TYPE_FIELD) != end.control_type:
        seat.reset_control_type(turn.batch)
        seat.fold(turn.batch, CONTROL_TYPE_FIELD, end.control_type)


def _passed(turn: Turn, _: RelayEnd, event: Passed) -> None:
    turn.log_received(event.text, None, event.findings)


def _delivered(turn: Turn, end: RelayEnd, event: Delivered) -> None:
    if end.peer is EnergyManagementRole.RM:
        turn.log_sent(event.text)


def _farewell(turn: Turn, _: RelayEnd, event: Farewell) -> None:
    turn.log_sent(event.text)


def _disputed(turn: Turn, _: RelayEnd, event: Disputed) -> None:
    turn.log_sent(event.text)


def _judged(turn: Turn, _: RelayEnd, event: ReceptionReceived) -> None:
    if event.status is not ReceptionStatusValues.OK or event.findings:
        turn.log_received(turn.text or "", None, event.findings)


def _taken(turn: Turn, end: RelayEnd, event: Taken) -> None:
    """Only now, since the OK is that of the far peer."""
    if end.peer is not EnergyManagementRole.RM:
        return
    message = event.message
    if isinstance(message, PowerMeasurement):
        for value in message.values:
            at = message.measurement_timestamp
            turn.batch.measure(turn.seat.info, value.commodity_quantity.value, at, value.value)
    elif isinstance(message, ResourceManagerDetails):
        turn.seat.reset_control_type(turn.batch)
    elif isinstance(message, RevokeObject):
        revoked(turn, message)
    fold(turn, message, event.text)


def _refused(turn: Turn, _: RelayEnd, event: MessageRefused) -> None:
    turn.log_received(event.text_head if turn.text is None else turn.text, event.status, event.findings)


def _unmatched(turn: Turn, _: RelayEnd, event: ReceptionUnmatched) -> None:
    turn.log_received(turn.text or "", None, event.findings)


def _unanswered(turn: Turn, end: RelayEnd, event: AcknowledgementMissing) -> None:
    turn.log_sent(dump_message(event.message, end.profile or ALL_PROFILES[-1]), findings=event.findings)


_MEANINGS: Mapping[type, Callable[[Turn, RelayEnd, Any], None]] = {
    Passed: _passed,
    Delivered: _delivered,
    Farewell: _farewell,
    Disputed: _disputed,
    ReceptionReceived: _judged,
    Taken: _taken,
    MessageRefused: _refused,
    ReceptionUnmatched: _unmatched,
    AcknowledgementMissing: _unanswered,
}
