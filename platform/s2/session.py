"""One S2 session, for either role, without I/O and without a clock: text in, text and events out, deadlines as values.

Theory of operation. The shell feeds each text frame to `receive_text` and then sends what `data_to_send` returns. The
verdict on a message is chosen in that one call and its ReceptionStatus is queued before anything that follows from it,
so answers leave in the order of arrival and no answer ever waits for one of the peer's. What happened is returned as
events. `send` judges a message of ours by the same rules, always strictly, and raises rather than emit a broken
one. `next_deadline` says when `tick` has to be called at the latest; calling it early does no harm.

    conversation    what both sides have said, and what that allows: states, rules, menu, instruction ledger
    receptions      how the peer's recent messages were answered, to answer a repetition alike
    delivery        our messages on their way: acknowledged, sent again, or given up
    strictness      what is taken from this peer although it is not as it should be
    opening         Handshakes and the version
    announcements   system descriptions that are not in force yet

Nothing that a peer sends raises. A peer that cannot be worked with leads to CloseRequested:

    1000   a SessionRequest was received or ours was answered, or the peer reported PERMANENT_ERROR (R-04): the
           conversation ended as the standard provides, and nobody broke the protocol
    1002   no version in common, no Handshake in time, our Handshake refused, or three messages in a row that were never
           acknowledged (R-01): the peer does not keep the protocol, or nobody is behind the socket any more
    1008   the peer makes us queue more answers than it reads
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import get_args

from s2.announcements import Announcements
from s2.conversation import Conversation
from s2.delivery import Delivery
from s2.descriptions import SystemDescription
from s2.errors import RemoteProtocolError, RuleBroken, WrongState
from s2.events import (
    CloseRequested,
    ControlTypeSelected,
    Event,
    InstructionRevoked,
    InstructionUpdated,
    MessageReceived,
    MessageRefused,
    ReceptionUnmatched,
)
from s2.findings import Finding, errors_of, warnings_of
from s2.ledger import InstructionLedger, LedgerEntry
from s2.messages import (
    ControlType,
    EnergyManagementRole,
    Handshake,
    HandshakeResponse,
    Instruction,
    InstructionStatus,
    InstructionStatusUpdate,
    Message,
    ReceptionStatus,
    ReceptionStatusValues,
    ResourceManagerDetails,
    RevokeObject,
    SelectControlType,
    SessionRequest,
    parse_message,
)
from s2.opening import Opening
from s2.receptions import NIL_ID, Receptions, reception_text
from s2.resource import ResourceView
from s2.rules.instructions import INSTRUCTIONS
from s2.rules.sessions import R_07
from s2.states import SessionState
from s2.strictness import STRICT, Strictness, read_leniently
from s2.unreadable import finding_of, finding_of_bytes
from s2.verdicts import is_rejected_by_update, waits_for_storage
from s2.versions import ALL_PROFILES, WireProfile

ACK_TIMEOUT = timedelta(seconds=10)
HANDSHAKE_TIMEOUT = timedelta(seconds=30)
RETRY_DELAYS = (timedelta(seconds=1), timedelta(seconds=2), timedelta(seconds=4))

#: A shell drains the queue after every call; this many answers left over mean that nobody reads them.
QUEUE_LIMIT = 1000

_HEAD = 200
_OK, _BUSY = ReceptionStatusValues.OK, ReceptionStatusValues.TEMPORARY_ERROR
_CEM, _RM = EnergyManagementRole.CEM, EnergyManagementRole.RM

#: After these the RM publishes everything anew.
_FRESH_STARTS = frozenset({"ResourceManagerDetails", "SelectControlType"})

#: What leads to more than its effect on the conversation.
_CONSEQUENTIAL = frozenset(
    {Handshake, HandshakeResponse, ResourceManagerDetails, SelectControlType, SessionRequest}
    | set(get_args(SystemDescription))
)


class Session:
    """One end of an S2 conversation.

    `role` is ours. `new_id` makes the ids of the messages that the session sends by itself. `agreed` is the version
    that S2 Connect has already settled; without it the session begins with the Handshake of a bare WebSocket.
    `strictness` is what is allowed to the peer. An RM that `rejects_by_update` answers an instruction that is well
    formed but outside of its offer with OK and an InstructionStatusUpdate REJECTED, which is what certification tools
    expect, and with INVALID_CONTENT otherwise. All durations are in the time of the `now` that is passed in.
    """

    __slots__ = (
        "_announcements",
        "_conversation",
        "_deferred",
        "_delivery",
        "_leaving",
        "_new_id",
        "_opening",
        "_peer",
        "_receptions",
        "_rejects_by_update",
        "role",
    )

    def __init__(
        self,
        role: EnergyManagementRole,
        *,
        new_id: Callable[[], str],
        ack_timeout: timedelta = ACK_TIMEOUT,
        handshake_timeout: timedelta = HANDSHAKE_TIMEOUT,
        retry_delays: Sequence[timedelta] = RETRY_DELAYS,
        versions: Collection[WireProfile] = ALL_PROFILES,
        agreed: WireProfile | None = None,
        strictness: Strictness = STRICT,
        rejects_by_update: bool = True,
    ) -> None:
        spoken = tuple(each for each in WireProfile if each in versions)
        self.role = role
        self._peer = _RM if role is _CEM else _CEM
        self._new_id = new_id
        self._conversation = talk = Conversation(
            spoken, agreed=agreed, crossing_time=ack_timeout, strictness=strictness
        )
        # Before a version is agreed the newest one serves: Handshakes are the same in all of them.
        self._delivery = Delivery(role, talk, agreed or spoken[-1], ack_timeout, retry_delays)
        self._opening = Opening(role, spoken, talk, self._delivery, new_id, handshake_timeout)
        self._receptions = Receptions()
        self._announcements = Announcements(talk.resource)
        self._rejects_by_update = rejects_by_update and role is _RM
        self._deferred: list[tuple[datetime, Event]] = []
        self._leaving = False

    @property
    def profile(self) -> WireProfile | None:
        """The version that was agreed; None before that."""
        return self._conversation.profile

    @property
    def state(self) -> SessionState:
        return self._conversation.state

    @property
    def closed(self) -> bool:
        return self._conversation.closed

    @property
    def control_type(self) -> ControlType | None:
        """The control type in force; None until the CEM has selected one for the latest details."""
        return self._conversation.control_type

    @property
    def resource(self) -> ResourceView:
        return self._conversation.resource

    @property
    def ledger(self) -> InstructionLedger:
        return self._conversation.ledger

    def start(self, now: datetime) -> list[Event]:
        """Queue our Handshake; where the version is agreed already, the session is open at once."""
        return self._opening.start(now)

    def receive_text(self, text: str, now: datetime, *, available: bool = True) -> list[Event]:
        """Take in one text frame. Whatever the peer sends, this does not raise.

        With `available=False` the shell's storage is down: what would be answered OK is answered TEMPORARY_ERROR and
        has no effect, so that the peer sends it again. So is what may be wrong only because of that, such as the status
        of an actuator whose description was not taken. Handshakes and session requests need no storage.
        """
        if self.closed:
            return []
        events = self._take_due(now)
        try:
            message = parse_message(text, self._delivery.profile)
        except RemoteProtocolError as error:
            self._take_faulty(text, error, now, available, events)
        else:
            self._take(message, text, now, available, events)
        if len(self._delivery.out) > QUEUE_LIMIT and not self.closed:
            self._close(1008, "too many answers that are not read", events)
        return events

    def receive_bytes(self, data: bytes, now: datetime) -> list[Event]:
        """Take in one binary frame, which S2 does not know."""
        if self.closed:
            return []
        events = self._take_due(now)
        head, status = data[:_HEAD].decode("ascii", "replace"), ReceptionStatusValues.INVALID_DATA
        self._refuse(MessageRefused(head, None, NIL_ID, status, (finding_of_bytes(),)), events)
        return events

    def send(self, message: Message, now: datetime) -> tuple[Finding, ...]:
        """Queue a message of ours; return the warnings against it.

        Raises WrongState where it may not be sent now, RuleBroken where it breaks a rule, ProfileError where the
        version of this session does not know it; nothing has happened then.
        """
        if isinstance(message, Handshake | HandshakeResponse | ReceptionStatus):
            raise WrongState(f"the session sends its {message.message_type} by itself")
        if self.closed or self._leaving:
            raise WrongState("the session is over")
        # To take leave must be possible just then.
        if self._delivery.full and not isinstance(message, SessionRequest):
            raise WrongState("too many messages wait for their acknowledgement")
        findings = self._conversation.judge(message, self.role, now)
        errors = errors_of(findings)
        if any(each.rule in ("R-11", "R-12") for each in findings):
            raise WrongState(findings[0].text)
        if errors:
            raise RuleBroken(errors)
        self._deferred += [(now, event) for event in self._delivery.post(message, message.message_id, now)]
        changed = self._conversation.apply(message, self.role, now, findings)
        self._leaving = isinstance(message, SessionRequest)
        if message.message_type in _FRESH_STARTS:
            self._receptions.forget_answers()
            self._deferred += [(now, event) for event in self._begin_anew(changed, now)]
        return warnings_of(findings)

    def data_to_send(self) -> list[str]:
        """Take the queued texts, oldest first."""
        out, self._delivery.out = self._delivery.out, []
        return out

    def next_deadline(self) -> datetime | None:
        """When `tick` is due at the latest."""
        if self.closed:
            return None
        parts = (self._opening, self._announcements, self._delivery)
        moments = [moment for part in parts if (moment := part.next_deadline()) is not None]
        if self._deferred:
            moments.append(self._deferred[0][0])
        return min(moments, default=None)

    def tick(self, now: datetime) -> list[Event]:
        """Do what has become due: send again, report missing acknowledgements and new descriptions, give up."""
        if self.closed:
            return []
        events = self._take_due(now)
        if self._opening.is_overdue(now):
            self._close(1002, "no handshake in time", events)
        else:
            events += self._delivery.tick(now)
        return events

    def _take_faulty(
        self, text: str, error: RemoteProtocolError, now: datetime, available: bool, events: list[Event]
    ) -> None:
        """Take in a text that breaks the schema, if unknown keys are all that is wrong and this peer may send them."""
        if self._conversation.strictness.rereads(text):
            try:
                message, skipped = read_leniently(text, self._delivery.profile)
            except RemoteProtocolError as graver:
                error = graver
            else:
                self._take(message, text, now, available, events, skipped)
                return
        self._refuse_unreadable(text, error, events)

    def _take(
        self,
        message: Message,
        text: str,
        now: datetime,
        available: bool,
        events: list[Event],
        skipped: tuple[Finding, ...] = (),
    ) -> None:
        """Decide on a message of the peer, queue the answer, and only then let it have its effect."""
        if isinstance(message, ReceptionStatus):
            events += self._delivery.settle(message, now, skipped)
            return
        message_id = message.message_id
        answer = self._receptions.answer_for(message_id, text)
        if answer is not None:
            self._delivery.out.append(answer)
            return
        taken, findings = self._conversation.read(message, self._peer, now)
        if skipped:
            findings = skipped + findings
        if self._receptions.uses(message_id):
            self._receptions.forget_answers()
            findings += (R_07.finding(message, "$.message_id", "was used before for another message"),)
        errors = errors_of(findings) if findings else ()
        if not available and waits_for_storage(message, errors):
            head, findings = text[:_HEAD], warnings_of(findings)
            self._refuse(MessageRefused(head, message.message_type, message_id, _BUSY, findings), events)
        elif errors and not (self._rejects_by_update and is_rejected_by_update(taken, errors)):
            head, status = text[:_HEAD], ReceptionStatusValues.INVALID_CONTENT
            refusal = MessageRefused(head, message.message_type, message_id, status, findings)
            self._refuse_content(refusal, text, now, events)
        elif errors and isinstance(taken, INSTRUCTIONS):
            self._receptions.remember(message_id, text)
            self._refuse(MessageRefused(text[:_HEAD], message.message_type, message_id, _OK, findings), events)
            self._reject(taken, now, findings)
        else:
            rewritten = bool(skipped) or taken is not message
            self._accept(MessageReceived(taken, _OK, findings, rewritten), message_id, text, now, events)

    def _accept(
        self, received: MessageReceived, message_id: str, text: str, now: datetime, events: list[Event]
    ) -> None:
        message = received.message
        fresh_start = message.message_type in _FRESH_STARTS
        if fresh_start:
            self._receptions.forget_answers()
        self._receptions.remember(message_id, text)
        self._delivery.out.append(reception_text(message_id))
        events.append(received)
        changed = self._conversation.apply(message, self._peer, now, received.findings)
        if fresh_start:
            events += self._begin_anew(changed, now)
        elif changed and self.role is _CEM:
            events += [InstructionUpdated(entry) for entry in changed]
        elif changed and isinstance(message, RevokeObject):
            events += [InstructionRevoked(entry) for entry in changed]
        if type(message) in _CONSEQUENTIAL:
            self._follow(message, now, events)

    def _begin_anew(self, ended: list[LedgerEntry], now: datetime) -> list[Event]:
        """New details or a new selection: what was said under the control type before is over."""
        return [*(InstructionUpdated(entry) for entry in ended), *self._delivery.begin_anew(now)]

    def _follow(self, message: Message, now: datetime, events: list[Event]) -> None:
        """What an accepted message of the peer leads to, beyond its effect on the conversation."""
        match message:
            case Handshake() if self.role is _CEM and not self._leaving:
                events += self._opening.choose(message, now)
            case HandshakeResponse():
                events += self._opening.open()
            case ResourceManagerDetails():
                self._delivery.void_selection()
            case SelectControlType():
                events.append(ControlTypeSelected(message.control_type))
            case SessionRequest():
                self._close(1000, f"the {self._peer.value} asked for it", events)
            case _ if isinstance(message, SystemDescription):
                self._announcements.note(message, now)

    def _refuse_content(self, refusal: MessageRefused, text: str, now: datetime, events: list[Event]) -> None:
        errors = errors_of(refusal.findings)
        self._receptions.remember(refusal.message_id, text, refusal.status, errors[0].label)
        self._refuse(refusal, events)
        if any(each.rule == "R-15" for each in errors):
            self._opening.part(now, "no version in common")
            self._close(1002, "no version in common", events)

    def _reject(self, instruction: Instruction, now: datetime, findings: tuple[Finding, ...]) -> None:
        """Answer an instruction that was understood, but is outside the offer, as the device itself would."""
        self._conversation.apply(instruction, self._peer, now, findings)
        message_id, rejected = self._new_id(), InstructionStatus.REJECTED
        update = InstructionStatusUpdate(
            message_id=message_id, instruction_id=instruction.id, status_type=rejected, timestamp=now
        )
        if not self._delivery.full and not self._leaving:
            self.send(update, now)

    def _refuse_unreadable(self, text: str, error: RemoteProtocolError, events: list[Event]) -> None:
        finding = finding_of(error)
        if error.message_type == "ReceptionStatus":
            # An answer is never answered, not even a broken one.
            events.append(ReceptionUnmatched(error.message_id or NIL_ID, None, None, (finding,)))
            return
        status = ReceptionStatusValues.INVALID_MESSAGE if error.message_id else ReceptionStatusValues.INVALID_DATA
        message_id = error.message_id or NIL_ID
        self._refuse(MessageRefused(text[:_HEAD], error.message_type, message_id, status, (finding,)), events)

    def _refuse(self, refusal: MessageRefused, events: list[Event]) -> None:
        errors = errors_of(refusal.findings)
        label = errors[0].label if errors else None
        self._delivery.out.append(reception_text(refusal.message_id, refusal.status, label))
        events.append(refusal)

    def _close(self, code: int, reason: str, events: list[Event]) -> None:
        self._conversation.close()
        events.append(CloseRequested(code, reason))

    def _take_due(self, now: datetime) -> list[Event]:
        """What is to be told before anything else: it happened before."""
        events = self._announcements.due(now)
        if self._deferred:
            events = [event for _, event in self._deferred] + events
            self._deferred.clear()
        return events
