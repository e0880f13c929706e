"""One end of a link whose two peers are both remote: it judges what its own peer says and passes on what is right.

Theory of operation
-------------------
Each peer has a socket, a seat and a RelayEnd of its own, in one gateway process or in two. An end is used like an
`s2.session.Session`: text in, text and events out, deadlines as values. Besides, `take_parcels` holds what is to go to
the far end, and the `hear_...` methods take in what comes from there.

*Verdicts.* An end keeps one view of the conversation: what its peer has said, and what was delivered to it. What the
peer says is judged in that view, so a peer is blamed only for what it could know. A breach is answered here and goes no
further. What is right is passed on as the peer wrote it, byte for byte, and is *not* answered: the far peer's
ReceptionStatus travels back and is delivered as it was written. Handshakes too pass through; the peers agree on a
version, and the ends learn it from the HandshakeResponse.

*TEMPORARY_ERROR.* It is the answer to a right message that cannot be passed on: the far end is not there, the bus is
down, its inbox is full, too much waits already. It is given at once, or when the bus reports the loss, or when no
verdict came in the time in which a peer still waits for one. Only a first Handshake is held back for a moment, in case
the far end is just on its way. A verdict that comes later is dropped: the peer says the
message again, and the far peer answers a repetition alike. So nothing is lost in silence and no OK is false.

*Meeting.* Peers start over together: a conversation joins one session of either end, never the half of one. Ends find
each other when a socket opens: it takes its seat, looks for the other one, and says `hello`, with its fencing token.
Of two that open at once at least the later one finds the other. A hello that is news is answered with one. It also says
whether its end is *ready*: messages flow once both are.

    fresh     ready. The peer has said nothing, or what it said is held back, unanswered, until the far end is ready
    refused   not ready. The peer was answered TEMPORARY_ERROR before it met a session of the far end
    engaged   something was passed on or delivered. Another session of the far end, or none, ends this one
    leaving   not ready. The peer was sent SessionRequest RECONNECT, or the session is over

    socket opens      far end seated: hello; what the peer says is held until it is ready
    hello, news       engaged: leave. refused: the peer has `patience` to say its message again, which makes it ready;
                      if it does not, leave. fresh: stay
    bye, or no inbox  engaged: leave. Others stay and wait
    held too long     (absent far end: `absence`, else `answer_timeout`) answer TEMPORARY_ERROR: refused. The far end
                      counts as absent until its next hello

*Why this comes to rest.* An end leaves because of what the far end's socket did, and once. A peer that comes back is
fresh, and a fresh end never makes another fresh or refused one leave: ends that are both there and fresh talk at once.
The round "mine was refused while yours was away, so it reconnects while yours is refused" is broken twice. A peer that
repeats what was answered TEMPORARY_ERROR (after 1, 2, 4 s) is never asked to leave for it. And while one that does not
repeat is reconnecting, of itself or because it was asked to, the other one's Handshake is held and not refused, so that
it finds a fresh end if it is back within `absence`. Where both are slower they meet by the chance of their back-off.
Each turn of such a round takes at least a reconnection of a peer, so nothing runs hot.

*Fencing.* Every parcel names the session that it is for and the one that it is from. An end takes a message or a
verdict only from the session that it met, and a hello only with a token above all before it. What a stale owner still
sends is therefore refused at the receiving end, and what reaches a process that does not hold that session any more is
answered with `bye` by the process.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from flexhub.bus import Envelope, PublishResult, SeatAddress
from flexhub.bus.envelope import EnvelopeKind
from flexhub.gateway.relay_events import Delivered, Disputed, Farewell, Passed, RelayEvent, Taken
from flexhub.gateway.relay_mail import Outstanding, Parcel, Texts
from s2.conversation import Conversation
from s2.errors import RemoteProtocolError, WrongState
from s2.events import AcknowledgementMissing, CloseRequested, MessageRefused, ReceptionUnmatched
from s2.findings import Finding, errors_of
from s2.ledger import InstructionLedger
from s2.messages import (
    ControlType,
    EnergyManagementRole,
    Message,
    ReceptionStatus,
    ReceptionStatusValues,
    SelectControlType,
    SessionRequest,
    SessionRequestType,
    dump_message,
    parse_message,
)
from s2.receptions import NIL_ID, reception_text
from s2.resource import ResourceView
from s2.rules.instructions import INSTRUCTIONS
from s2.rules.sessions import R_01, R_02, R_07
from s2.states import SessionState
from s2.strictness import STRICT, Strictness, read_leniently
from s2.unreadable import finding_of, finding_of_bytes
from s2.versions import ALL_PROFILES, WireProfile

#: A peer that waits 10 s for an answer gets one of ours before it gives up.
ANSWER_TIMEOUT_S = 8.0
#: A peer whose far end is not there is told so after this; it is as long as a quick reconnection takes.
ABSENCE_S = 3.0
#: A peer says what was answered TEMPORARY_ERROR again after 4 s at the latest.
PATIENCE_S = 5.0
#: So many texts that the peer does not read, or deliveries in a row that it does not answer, and nobody is there.
QUEUE_LIMIT = 1000
MISSING_LIMIT = 3

_HEAD = 200
_OK, _BUSY = ReceptionStatusValues.OK, ReceptionStatusValues.TEMPORARY_ERROR
_CEM, _RM = EnergyManagementRole.CEM, EnergyManagementRole.RM
_REFUSALS = (ReceptionStatusValues.INVALID_MESSAGE, ReceptionStatusValues.INVALID_CONTENT)
_FRESH_STARTS = frozenset({"ResourceManagerDetails", "SelectControlType"})

ABSENT = "the other end of this link is not connected; send it again"
GONE = "the other end of this link has gone; send it again once the session is new"
SILENT = "the other end of this link does not answer; send it again"
FULL = "too much waits for the other end of this link; send it again"
DOWN = "the message cannot be passed on now; send it again"
LEAVING = "this session ends; connect again"


class RelayEnd:
    """One end of a relayed link. `peer` is the role of the side behind our socket. All durations are in hub time."""

    __slots__ = (
        "_absence",
        "_absent_since",
        "_ack_timeout",
        "_delivered",
        "_engaged",
        "_far",
        "_far_ready",
        "_handshake_timeout",
        "_heard",
        "_held",
        "_leave_by",
        "_leave_id",
        "_missing",
        "_new_id",
        "_newest",
        "_parcels",
        "_parting",
        "_passed",
        "_patience",
        "_refused_at",
        "_said",
        "_speak_by",
        "_untold",
        "_view",
        "out",
        "peer",
    )

    def __init__(
        self,
        peer: EnergyManagementRole,
        *,
        new_id: Callable[[], str],
        ack_timeout: timedelta,
        handshake_timeout: timedelta,
        answer_timeout: timedelta,
        absence: timedelta,
        patience: timedelta,
        strictness: Strictness = STRICT,
    ) -> None:
        self.peer = peer
        self.out: list[str] = []
        self._new_id = new_id
        self._ack_timeout = ack_timeout
        self._handshake_timeout = handshake_timeout
        self._absence = absence
        self._absent_since: datetime | None = None
        self._patience = patience
        self._view = Conversation(ALL_PROFILES, agreed=None, crossing_time=ack_timeout, strictness=strictness)
        self._parcels: list[Parcel] = []
        self._untold: list[RelayEvent] = []
        # What the peer said: on its way, or not yet. What it was told.
        self._passed = Outstanding(answer_timeout)
        self._held = Outstanding(answer_timeout)
        self._delivered = Outstanding(ack_timeout, forgives=True)
        self._said, self._heard = Texts(), Texts()
        self._missing = 0
        self._far: SeatAddress | None = None
        self._far_ready = False
        self._newest = 0
        self._engaged = False
        self._refused_at: datetime | None = None
        self._speak_by: datetime | None = None
        self._leave_id: str | None = None
        self._leave_by: datetime | None = None
        self._parting = False

    # -- As a session ------------------------------------------------------------------------------------------------

    @property
    def profile(self) -> WireProfile | None:
        return self._view.profile

    @property
    def state(self) -> SessionState:
        return self._view.state

    @property
    def closed(self) -> bool:
        return self._view.closed

    @property
    def control_type(self) -> ControlType | None:
        return self._view.control_type

    @property
    def resource(self) -> ResourceView:
        return self._view.resource

    @property
    def ledger(self) -> InstructionLedger:
        return self._view.ledger

    @property
    def ready(self) -> bool:
        return self._leave_id is None and self._refused_at is None and not self.closed

    def start(self, now: datetime) -> list[RelayEvent]:
        """The peer's Handshake is waited for; ours is that of the far end's peer."""
        self._speak_by = now + self._handshake_timeout
        self._absent_since = now
        return []

    def receive_text(self, text: str, now: datetime, *, available: bool = True) -> list[RelayEvent]:
        """Take in one text frame of the peer. With `available=False` a right message is answered TEMPORARY_ERROR."""
        events: list[RelayEvent] = []
        if self.closed:
            return events
        self._speak_by = None
        message: Message
        skipped: tuple[Finding, ...] = ()
        try:
            message = parse_message(text, self._wire_profile)
        except RemoteProtocolError as error:
            try:
                message, skipped = self._read_again(text, error)
            except RemoteProtocolError as graver:
                self._refuse_unreadable(text, graver, events)
                return events
        self._take(message, text, skipped, now, available, events)
        return events

    def receive_bytes(self, data: bytes, now: datetime) -> list[RelayEvent]:  # noqa: ARG002  # As a session's.
        """Take in one binary frame, which S2 does not know."""
        if self.closed:
            return []
        head = data[:_HEAD].decode("ascii", "replace")
        return [self._refusal(head, None, NIL_ID, ReceptionStatusValues.INVALID_DATA, (finding_of_bytes(),))]

    def send(self, message: Message, now: datetime) -> tuple[Finding, ...]:
        """Take leave of the peer. Raises WrongState for anything but a SessionRequest, and for a second one."""
        if not isinstance(message, SessionRequest):
            raise WrongState("only its peers speak on a relayed link")
        if self.closed or self._leave_id is not None or self._parting:
            raise WrongState("the session is over")
        text = dump_message(message, self._wire_profile)
        self.out.append(text)
        self._untold.append(Farewell(text))
        self._leave_id, self._leave_by = message.message_id, now + self._ack_timeout
        return ()

    def data_to_send(self) -> list[str]:
        """Take the texts for the peer, oldest first."""
        out, self.out = self.out, []
        return out

    def take_parcels(self) -> list[Parcel]:
        """Take what is to go to the far end, oldest first."""
        parcels, self._parcels = self._parcels, []
        return parcels

    def take_untold(self) -> list[RelayEvent]:
        """Take what happened in `send`, which returns findings only."""
        untold, self._untold = self._untold, []
        return untold

    def next_deadline(self) -> datetime | None:
        if self.closed:
            return None
        moments = (
            self._passed.next_deadline(),
            self._held_until(),
            self._delivered.next_deadline(),
            self._speak_by,
            self._leave_by,
            self._patience_ends(),
        )
        return min((moment for moment in moments if moment is not None), default=None)

    def tick(self, now: datetime) -> list[RelayEvent]:
        """Do what has become due."""
        events: list[RelayEvent] = []
        if self.closed:
            return events
        for waiting in self._passed.overdue(now):
            self._answer_busy(waiting.message_id, SILENT, events)
        if _is_due(self._held_until(), now):
            self._refuse_held(ABSENT if self._far is None else SILENT, now, events)
            self._far, self._absent_since = None, now
        self._report_missing(now, events)
        if _is_due(self._patience_ends(), now):
            self._ask_to_reconnect("The other end of this link is back.", now, events)
        if _is_due(self._leave_by, now):
            self._close(1000, "session ended; the peer did not answer", events)
        elif _is_due(self._speak_by, now):
            self._close(1002, "no handshake in time", events)
        return events

    # -- The far end -------------------------------------------------------------------------------------------------

    def meet(self, far: SeatAddress | None) -> None:
        """What the directory knew of the far end after our seat was taken."""
        if far is not None and far.token > self._newest:
            self._newest, self._far, self._far_ready = far.token, far, False
            self._say_hello()

    def hear_hello(self, far: SeatAddress, *, ready: bool, now: datetime) -> list[RelayEvent]:
        events: list[RelayEvent] = []
        if self.closed or far.token < self._newest:
            return events
        is_news = self._far is None or self._far.token != far.token
        self._newest, self._far, self._far_ready = far.token, far, ready
        if is_news:
            if self._engaged:
                self._start_over("The other end of this link has begun anew.", now, events)
            self._say_hello()
        self._release_held(now)
        return events

    def hear_bye(self, far: SeatAddress, now: datetime) -> list[RelayEvent]:
        events: list[RelayEvent] = []
        if not self.closed and self._far is not None and far.token == self._far.token:
            self._lose_far(now, events)
        return events

    def hear_message(self, text: str, message_id: str, far: SeatAddress, now: datetime) -> list[RelayEvent]:
        """Deliver what the far end's peer said and the far end found right."""
        if not self._is_met(far):
            return []
        if not self.ready or self._parting or self._delivered.full or len(self.out) > QUEUE_LIMIT:
            self._post("reception", reception_text(message_id, _BUSY, FULL if self.ready else LEAVING), message_id)
            return []
        self._engaged = True
        message = parse_message(text, self._wire_profile)
        events: list[RelayEvent] = [Delivered(text)]
        if not self._heard.knows(text):
            if self._heard.uses(message_id):
                self._heard.forget()
            self._count(message, self._far_peer, now)
            self._heard.remember(message_id, text)
        self._delivered.add(message_id, message, now)
        self.out.append(text)
        return events

    def hear_reception(self, text: str, message_id: str, far: SeatAddress, now: datetime) -> list[RelayEvent]:
        """Deliver the far peer's verdict on something that our peer said."""
        events: list[RelayEvent] = []
        if not self._is_met(far):
            return events
        waiting = self._passed.settle(message_id)
        reception = parse_message(text, self._wire_profile)
        if waiting is None or not isinstance(reception, ReceptionStatus):
            return events
        self.out.append(text)
        if reception.status is not _OK:
            events.append(Disputed(text, by_peer=False))
        else:
            events.append(Taken(waiting.message))
        self._follow(waiting.message, reception.status, now, events)
        return events

    def undelivered(self, envelope: Envelope, reason: PublishResult | None, now: datetime) -> list[RelayEvent]:
        """A parcel of ours reached no inbox; without reason the bus is down."""
        events: list[RelayEvent] = []
        if self.closed:
            return events
        if reason is PublishResult.NO_SEAT:
            if self._far is not None and self._far.token == envelope.token:
                self._refuse_held(ABSENT, now, events)
                self._lose_far(now, events)
        elif envelope.kind == "relayed" and self._passed.settle(envelope.message_id) is not None:
            self._answer_busy(envelope.message_id, FULL if reason is PublishResult.FULL else DOWN, events)
        return events

    def unseat(self, now: datetime) -> list[RelayEvent]:
        """Our seat is lost, and with it the far end's way to us: the peer has to come anew."""
        events: list[RelayEvent] = []
        if not self.closed:
            self._start_over("The connection between the two ends was lost.", now, events)
        return events

    def leave(self) -> None:
        """The socket is gone: tell the far end."""
        self._post("bye", "")
        self._view.close()

    # -- What the peer says ------------------------------------------------------------------------------------------

    def _take(
        self,
        message: Message,
        text: str,
        skipped: tuple[Finding, ...],
        now: datetime,
        available: bool,
        events: list[RelayEvent],
    ) -> None:
        """Decide on a message of the peer: refuse it, or pass it on, or say that this is not possible now."""
        if isinstance(message, ReceptionStatus):
            self._take_verdict(message, text, skipped, now, events)
            return
        message_id = message.message_id
        taken, findings = self._view.read(message, self.peer, now)
        repeated = self._said.knows(text)
        if repeated:
            # It was judged and counted when it was said first. The far peer answers it as it did then.
            findings = ()
        elif self._said.uses(message_id):
            self._said.forget()
            findings += (R_07.finding(message, "$.message_id", "was used before for another message"),)
        findings = skipped + findings
        errors = errors_of(findings)
        if errors:
            status = ReceptionStatusValues.INVALID_CONTENT
            events.append(self._refusal(text[:_HEAD], message.message_type, message_id, status, findings))
            if any(each.rule == "R-15" for each in errors):
                self._close(1002, "no version in common", events)
            return
        obstacle = self._obstacle(available)
        if obstacle is not None:
            events.append(
                self._refusal(text[:_HEAD], message.message_type, message_id, _BUSY, findings, label=obstacle)
            )
            return
        if not repeated:
            self._count(taken, self.peer, now, findings)
            self._said.remember(message_id, text)
        rewritten = skipped or taken is not message
        wire_text = dump_message(taken, self._wire_profile) if rewritten else text
        events.append(Passed(text, findings))
        self._pass_on(message_id, taken, wire_text, now)

    def _obstacle(self, available: bool) -> str | None:
        """Why a right message cannot be passed on now."""
        if self._leave_id is not None:
            return LEAVING
        if not available:
            return DOWN
        return FULL if self._passed.full or self._held.full else None

    def _pass_on(self, message_id: str, message: Message, text: str, now: datetime) -> None:
        if self._refused_at is not None:
            # It says again what was refused, so it starts from the beginning: as good as fresh.
            self._refused_at = None
            self._say_hello()
        self._parting = self._parting or isinstance(message, SessionRequest)
        self._held.add(message_id, message, now, text)
        self._release_held(now)

    def _release_held(self, now: datetime) -> None:
        """Pass on what the peer has said, in its order, if both ends are ready for it."""
        if not (self._far_ready and self.ready):
            return
        for held in self._held.take_all():
            self._engaged = True
            self._passed.add(held.message_id, held.message, now)
            self._post("relayed", held.text, held.message_id)

    def _refuse_held(self, label: str, now: datetime, events: list[RelayEvent]) -> None:
        for held in self._held.take_all():
            self._answer_busy(held.message_id, label, events)
            self._count_as_refused(now)

    def _take_verdict(
        self,
        reception: ReceptionStatus,
        text: str,
        skipped: tuple[Finding, ...],
        now: datetime,
        events: list[RelayEvent],
    ) -> None:
        """The peer's verdict on what was delivered to it, or on our own farewell."""
        subject_id, status = reception.subject_message_id, reception.status
        if subject_id == self._leave_id:
            self._close(1000, "session ended", events)
            return
        waiting = self._delivered.settle(subject_id)
        if waiting is None:
            text_of = f"{subject_id} is nothing that waits for an answer"
            finding = R_02.finding(reception, "$.subject_message_id", text_of)
            events.append(ReceptionUnmatched(subject_id, status, reception.diagnostic_label, (finding, *skipped)))
            return
        self._missing = 0
        self._post("reception", dump_message(reception, self._wire_profile) if skipped else text, subject_id)
        findings = skipped
        if status in _REFUSALS:
            findings += self._view.refused(waiting.message, self._far_peer, now)
        if status is not _OK or findings:
            events.append(Disputed(text, by_peer=True, findings=findings))
        self._follow(waiting.message, status, now, events)
        if status is ReceptionStatusValues.PERMANENT_ERROR and not self.closed:
            self._close(1000, "the peer reported a permanent error", events)

    def _read_again(self, text: str, error: RemoteProtocolError) -> tuple[Message, tuple[Finding, ...]]:
        """The message if unknown keys are all that is wrong and this peer may send them. Raises RemoteProtocolError."""
        if not self._view.strictness.rereads(text):
            raise error
        return read_leniently(text, self._wire_profile)

    # -- The view ----------------------------------------------------------------------------------------------------

    def _count(
        self,
        message: Message,
        sender: EnergyManagementRole,
        now: datetime,
        findings: tuple[Finding, ...] = (),
    ) -> None:
        """Let a message have its effect in our peer's view of the conversation."""
        self._view.apply(message, sender, now, findings)
        if message.message_type in _FRESH_STARTS:
            self._said.forget()
            self._heard.forget()

    def _follow(self, message: Message, status: ReceptionStatusValues, now: datetime, events: list[RelayEvent]) -> None:
        """What a verdict leads to, whichever side gave it."""
        if isinstance(message, SessionRequest):
            self._close(1000, "session ended", events)
        elif status is _BUSY:
            return  # It will be said again, and counts already.
        elif isinstance(message, SelectControlType):
            if message.control_type is not self._view.control_type:
                return  # It was overtaken, by another selection or by new details.
            if status is _OK:
                self._view.confirm_selection()
            else:
                self._view.deselect(now)
        elif isinstance(message, INSTRUCTIONS):
            self._view.ledger.receive(message, status)

    @property
    def _far_peer(self) -> EnergyManagementRole:
        return _CEM if self.peer is _RM else _RM

    @property
    def _wire_profile(self) -> WireProfile:
        return self._view.profile or ALL_PROFILES[-1]

    # -- Meeting and parting -----------------------------------------------------------------------------------------

    def _is_met(self, far: SeatAddress) -> bool:
        return not self.closed and self._far is not None and self._far.token == far.token

    def _say_hello(self) -> None:
        self._post("hello", "ready" if self.ready else "")

    def _post(self, kind: EnvelopeKind, payload: str, message_id: str = "") -> None:
        if self._far is not None:
            self._parcels.append(Parcel(self._far, kind, payload, message_id))

    def _count_as_refused(self, now: datetime) -> None:
        if self._engaged:
            return
        was_ready, self._refused_at = self.ready, now
        if was_ready:
            self._say_hello()

    def _held_until(self) -> datetime | None:
        """When the peer has to be told that what it says reaches nobody."""
        until = self._held.next_deadline()
        if until is None or self._far is not None or self._absent_since is None:
            return until
        return min(until, max(self._held.oldest, self._absent_since) + self._absence)

    def _patience_ends(self) -> datetime | None:
        """When a refused peer that did not say its message again is asked to leave; only while the far end is there."""
        if self._refused_at is None or self._far is None or self._leave_id is not None:
            return None
        return self._refused_at + self._patience

    def _lose_far(self, now: datetime, events: list[RelayEvent]) -> None:
        self._far, self._far_ready, self._absent_since = None, False, now
        if self._engaged:
            self._start_over("The other end of this link has gone.", now, events)

    def _start_over(self, label: str, now: datetime, events: list[RelayEvent]) -> None:
        """What was under way is void; the peer has to begin from a clean state."""
        for waiting in self._passed.take_all() + self._held.take_all():
            self._answer_busy(waiting.message_id, GONE, events)
        self._ask_to_reconnect(label, now, events)

    def _ask_to_reconnect(self, label: str, now: datetime, events: list[RelayEvent]) -> None:
        if self._leave_id is not None:
            return
        if self._parting:
            self._close(1000, "session ended", events)
            return
        request = SessionRequest(
            message_id=self._new_id(), request=SessionRequestType.RECONNECT, diagnostic_label=label
        )
        self.send(request, now)

    def _report_missing(self, now: datetime, events: list[RelayEvent]) -> None:
        for waiting in self._delivered.overdue(now):
            finding = R_01.finding(waiting.message, "$.message_id", "a ReceptionStatus should answer this message")
            events.append(AcknowledgementMissing(waiting.message, (finding,)))
            self._missing += 1
        if self._missing >= MISSING_LIMIT:
            self._close(1002, f"{MISSING_LIMIT} messages in a row without ReceptionStatus", events)

    def _close(self, code: int, reason: str, events: list[RelayEvent]) -> None:
        if not self.closed:
            self._view.close()
            events.append(CloseRequested(code, reason))

    # -- Answers of our own ------------------------------------------------------------------------------------------

    def _answer_busy(self, message_id: str, label: str, events: list[RelayEvent]) -> None:
        text = reception_text(message_id, _BUSY, label)
        self.out.append(text)
        events.append(Disputed(text, by_peer=False))

    def _refuse_unreadable(self, text: str, error: RemoteProtocolError, events: list[RelayEvent]) -> None:
        finding = finding_of(error)
        if error.message_type == "ReceptionStatus":
            # An answer is never answered, not even a broken one.
            events.append(ReceptionUnmatched(error.message_id or NIL_ID, None, None, (finding,)))
            return
        status = ReceptionStatusValues.INVALID_MESSAGE if error.message_id else ReceptionStatusValues.INVALID_DATA
        events.append(self._refusal(text[:_HEAD], error.message_type, error.message_id or NIL_ID, status, (finding,)))

    def _refusal(
        self,
        head: str,
        message_type: str | None,
        message_id: str,
        status: ReceptionStatusValues,
        findings: tuple[Finding, ...],
        label: str | None = None,
    ) -> MessageRefused:
        errors = errors_of(findings)
        self.out.append(reception_text(message_id, status, errors[0].label if errors else label))
        return MessageRefused(head, message_type, message_id, status, findings)


def _is_due(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and moment <= now
