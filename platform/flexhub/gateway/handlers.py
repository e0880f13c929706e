"""What each event of a session means to the rest of the hub. Pure: events in, additions to a batch out.

This is for sessions with the role CEM; `rm_handlers` is for those with the role RM, and shares what it can.

accepted message      → snapshot field, telemetry rows, conversation, perhaps a wake
announced description → conversation; the rest once it is in force
refused message       → conversation, with its findings
verdict on ours       → instruction ledger; conversation and a wake when it is not OK
opened, selected      → snapshot, wake
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from flexhub.bus import Batch, LedgerRow
from flexhub.bus.snapshot import CONTROL_TYPE_FIELD, PROFILE_FIELD, RELEASED_FIELD, revoked_field, snapshot_field
from flexhub.gateway.relay_events import RelayEvent
from flexhub.gateway.seats import Seat
from s2.descriptions import SystemDescription
from s2.events import (
    AcknowledgementMissing,
    CloseRequested,
    ControlTypeSelected,
    DescriptionInForce,
    InstructionUpdated,
    MessageReceived,
    MessageRefused,
    Opened,
    ReceptionReceived,
    ReceptionUnmatched,
)
from s2.findings import Finding
from s2.ledger import LedgerEntry
from s2.messages import (
    EnergyManagementRole,
    Message,
    PEBCEnergyConstraint,
    PEBCPowerConstraints,
    PowerMeasurement,
    PPBCPowerProfileDefinition,
    PPBCPowerProfileStatus,
    ReceptionStatusValues,
    ResourceManagerDetails,
    RevokeObject,
    SelectControlType,
    dump_message,
)
from s2.receptions import NIL_ID, reception_text
from s2.states import permits
from s2.versions import WireProfile

# How an acknowledgement of ours begins. It is not part of the conversation: the received message's entry shows it.
_ACKNOWLEDGEMENT = '{"message_type":"ReceptionStatus"'


@dataclass(frozen=True, slots=True)
class Turn:
    """One thing that happened to a session: `text` is the frame that caused it, None when a deadline did.

    `logs` is False when there is no room for conversation entries.
    """

    seat: Seat
    batch: Batch
    at: datetime
    text: str | None = None
    logs: bool = True

    def log_received(self, text: str, status: ReceptionStatusValues | None, findings: tuple[Finding, ...]) -> None:
        if self.logs:
            self.batch.log(
                self.seat.info.link_id,
                self.seat.token,
                "received",
                self.at,
                text,
                status=status,
                findings=[finding.as_dict() for finding in findings] if findings else (),
            )

    def log_sent(self, text: str, status: str | None = None, findings: tuple[Finding, ...] = ()) -> None:
        if self.logs:
            shown = [finding.as_dict() for finding in findings]
            seat = self.seat
            self.batch.log(seat.info.link_id, seat.token, "sent", self.at, text, status=status, findings=shown)

    def wake(self) -> None:
        self.batch.wake(self.seat.info.tenant_id, self.seat.info.site_id)


def handle(turn: Turn, events: Iterable[RelayEvent]) -> CloseRequested | None:
    """Add what the events mean to the turn's batch; returns the last wish of a session that is over."""
    return handle_by(_MEANINGS, turn, events)


def handle_by(
    meanings: Mapping[type, Callable[..., None]], turn: Turn, events: Iterable[RelayEvent], *about: object
) -> CloseRequested | None:
    """The same for other kinds of session; each meaning is called with the turn, what else it is about, and the event.

    An event without a meaning is passed over.
    """
    closing = None
    for event in events:
        if isinstance(event, CloseRequested):
            closing = event
        elif (meaning := meanings.get(type(event))) is not None:
            meaning(turn, *about, event)
    return closing


def sent(turn: Turn, texts: Iterable[str]) -> None:
    """Put what we sent into the conversation, save acknowledgements."""
    for text in texts:
        if not text.startswith(_ACKNOWLEDGEMENT):
            turn.log_sent(text)


def ledger_row(seat: Seat, entry: LedgerEntry, at: datetime) -> LedgerRow:
    return LedgerRow(
        tenant_id=seat.info.tenant_id,
        link_id=seat.info.link_id,
        instruction_id=entry.id,
        at=at,
        status=entry.status,
        reception=entry.reception,
        findings=tuple(finding.as_dict() for finding in entry.findings),
    )


def _accepted(turn: Turn, event: MessageReceived) -> None:
    seat, batch, message = turn.seat, turn.batch, event.message
    text = turn.text if turn.text is not None else text_of(seat, message)
    turn.log_received(text, event.status, event.findings)
    if event.rewritten:
        text = text_of(seat, message)
    if event.findings and not permits(seat.session.state, EnergyManagementRole.RM, message.message_type):
        return  # It crossed with a change of the control type: acknowledged, and without effect.
    if type(message) is PowerMeasurement:
        for value in message.values:
            batch.measure(seat.info, value.commodity_quantity.value, message.measurement_timestamp, value.value)
    elif type(message) is ResourceManagerDetails:
        _begin_anew(turn)
    elif type(message) is RevokeObject:
        revoked(turn, message)
    elif isinstance(message, SystemDescription) and seat.session.resource.description_at(turn.at) is not message:
        return  # It was announced for later. Until then the energy manager goes by the one in force.
    _count(turn, message, text)


def _begin_anew(turn: Turn) -> None:
    """Forget the control type. What an RM was told before it introduced itself again has ended, and is no refusal."""
    was_selected = turn.seat.text_of(CONTROL_TYPE_FIELD) is not None
    turn.seat.reset_control_type(turn.batch)
    if was_selected:
        turn.seat.fold(turn.batch, RELEASED_FIELD, turn.at.isoformat())


def fold(turn: Turn, message: Message, text: str) -> None:
    """Put what the RM has said into the snapshot of its link, if it is part of the link's state."""
    if isinstance(message, PPBCPowerProfileStatus):
        _fold_by_profile(turn, message)
    elif (field := snapshot_field(message)) is not None:
        turn.seat.fold(turn.batch, field, text)
    _drop_withdrawn(turn, message)


def _fold_by_profile(turn: Turn, message: PPBCPowerProfileStatus) -> None:
    """A status may be of several profiles, or leave out containers; what was said of those before still counts."""
    resource = turn.seat.session.resource
    for profile_id in dict.fromkeys(each.power_profile_id for each in message.sequence_container_status):
        whole = replace(message, sequence_container_status=resource.sequence_statuses(profile_id))
        turn.seat.fold(turn.batch, f"{message.message_type}/{profile_id}", text_of(turn.seat, whole))


def _count(turn: Turn, message: Message, text: str) -> None:
    fold(turn, message, text)
    if turn.seat.wakes.is_worth(message):
        turn.wake()


def _in_force(turn: Turn, event: DescriptionInForce) -> None:
    _count(turn, event.description, text_of(turn.seat, event.description))


def revoked(turn: Turn, revoke: RevokeObject) -> None:
    """The session took the object off the menu; a description that was replaced before must not take its heir along."""
    field = revoked_field(revoke)
    if field is not None and (not field.endswith("SystemDescription") or turn.seat.holds(field, revoke.object_id)):
        turn.seat.fold(turn.batch, field, None)


def _drop_withdrawn(turn: Turn, message: Message) -> None:
    """A device that publishes one constraint after the other must not fill its snapshot with expired ones."""
    resource = turn.seat.session.resource
    match message:
        case PEBCPowerConstraints():
            turn.seat.keep_only(turn.batch, "PEBC.PowerConstraints/", resource.constraints)
        case PEBCEnergyConstraint():
            turn.seat.keep_only(turn.batch, "PEBC.EnergyConstraint/", resource.energy_constraints)
        case PPBCPowerProfileDefinition() | PPBCPowerProfileStatus() | RevokeObject():
            turn.seat.keep_only(turn.batch, "PPBC.PowerProfileDefinition/", resource.profiles)
            turn.seat.keep_only(turn.batch, "PPBC.PowerProfileStatus/", resource.profiles)


def refused(turn: Turn, event: MessageRefused) -> None:
    turn.log_received(event.text_head if turn.text is None else turn.text, event.status, event.findings)


def judged(turn: Turn, event: ReceptionReceived) -> None:
    if event.status is ReceptionStatusValues.OK and not event.findings:
        return
    # Written out here, since the last verdict may be drawn in a turn that a deadline or another frame caused.
    subject_id = getattr(event.subject, "message_id", NIL_ID)
    turn.log_received(reception_text(subject_id, event.status, event.label), None, event.findings)


def _settled(turn: Turn, event: ReceptionReceived) -> None:
    judged(turn, event)
    # A refused selection would only be made again; it waits for the next wake, lest the two go round and round.
    if event.status is not ReceptionStatusValues.OK and not isinstance(event.subject, SelectControlType):
        turn.wake()


def unmatched(turn: Turn, event: ReceptionUnmatched) -> None:
    turn.log_received(turn.text or "", None, event.findings)


def unanswered(turn: Turn, event: AcknowledgementMissing) -> None:
    turn.log_sent(text_of(turn.seat, event.message), findings=event.findings)


def _instruction_updated(turn: Turn, event: InstructionUpdated) -> None:
    turn.batch.ledger(ledger_row(turn.seat, event.entry, turn.at))


def _selected(turn: Turn, event: ControlTypeSelected) -> None:
    turn.seat.fold(turn.batch, CONTROL_TYPE_FIELD, event.control_type.value)
    turn.wake()


def _opened(turn: Turn, event: Opened) -> None:
    turn.seat.fold(turn.batch, PROFILE_FIELD, event.profile.value)
    turn.wake()


def text_of(seat: Seat, message: Message) -> str:
    return dump_message(message, seat.session.profile or WireProfile.V1_0_0)


# What is not here (a later version's event) means nothing to us.
_MEANINGS: Mapping[type, Callable[[Turn, Any], None]] = {
    MessageReceived: _accepted,
    MessageRefused: refused,
    ReceptionReceived: _settled,
    ReceptionUnmatched: unmatched,
    AcknowledgementMissing: unanswered,
    InstructionUpdated: _instruction_updated,
    ControlTypeSelected: _selected,
    DescriptionInForce: _in_force,
    Opened: _opened,
}
