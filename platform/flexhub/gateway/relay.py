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
from flexhub.gateway.relay_events import Delivered, Disputed, Farewell, Passed, RelayEvent, Taken
from flexhub.gateway.relay_mail import Outstanding, Parcel
from flexhub.gateway.relay_meeting import Meeting
from flexhub.gateway.relay_view import Judged, PeerView
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
    SessionRequest,
    SessionRequestType,
    dump_message,
    parse_message,
)
from s2.receptions import NIL_ID, reception_text
from s2.resource import ResourceView
from s2.rules.sessions import R_01, R_02
from s2.states import SessionState
from s2.strictness import STRICT, Strictness
from s2.unreadable import finding_of, finding_of_bytes
from s2.versions import WireProfile

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
_REFUSALS = (ReceptionStatusValues.INVALID_MESSAGE, ReceptionStatusValues.INVALID_CONTENT)

ABSENT = "the other end of this link is not connected; send it again"
GONE = "the other end of this link has gone; send it again once the session is new"
SILENT = "the other end of this link does not answer; send it again"
FULL = "too much waits for the other end of this link; send it again"
DOWN = "the message cannot be passed on now; send it again"
LEAVING = "this session ends; connect again"


class RelayEnd:
    """One end of a relayed link. `peer` is the role of the side behind our socket. All durations are in hub time."""

    __slots__ = (
        "_ack_timeout",
        "_delivered",
        "_handshake_timeout",
        "_held",
        "_leave_by",
        "_leave_id",
        "_meeting",
        "_missing",
        "_new_id",
        "_parting",
        "_passed",
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
        self._meeting = Meeting(absence, patience)
        self._view = PeerView(peer, ack_timeout, strictness)
        self._untold: list[RelayEvent] = []
        # What the peer said: on its way, or not yet. What it was told.
        self._passed = Outstanding(answer_timeout)
        self._held = Outstanding(answer_timeout)
        self._delivered = Outstanding(ack_timeout, forgives=True)
        self._missing = 0
        self._speak_by: datetime | None = None
        self._leave_id: str | None = None
        self._leave_by: datetime | None = None
        self._parting = False

    # -- As a session ------------------------------------------------------------------------------------------------

    @property
    def profile(self) -> WireProfile | None:
        return self._view.talk.profile

    @property
    def state(self) -> SessionState:
        return self._view.talk.state

    @property
    def closed(self) -> bool:
        return self._view.talk.closed

    @property
    def control_type(self) -> ControlType | None:
        return self._view.talk.control_type

    @property
    def resource(self) -> ResourceView:
        return self._view.talk.resource

    @property
    def ledger(self) -> InstructionLedger:
        return self._view.talk.ledger

    def start(self, now: datetime) -> list[RelayEvent]:
        """The peer's Handshake is waited for; ours is that of the far end's peer."""
        self._speak_by = now + self._handshake_timeout
        self._meeting.start(now)
        return []

    def receive_text(self, text: str, now: datetime, *, available: bool = True) -> list[RelayEvent]:
        """Take in one text frame of the peer. With `available=False` a right message is answered TEMPORARY_ERROR."""
        events: list[RelayEvent] = []
        if self.closed:
            return events
        self._speak_by = None
        try:
            message, skipped = self._view.read(text)
        except RemoteProtocolError as error:
            self._refuse_unreadable(text, error, events)
            return events
        if isinstance(message, ReceptionStatus):
            self._take_verdict(message, text, skipped, now, events)
            return events
        judged = self._view.judge(message, message.message_id, text, skipped, now)
        self._take(judged, message.message_id, text, now, available, events)
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
        text = dump_message(message, self._view.profile)
        self.out.append(text)
        self._untold.append(Farewell(text))
        self._meeting.leaving = True
        self._leave_id, self._leave_by = message.message_id, now + self._ack_timeout
        return ()

    def data_to_send(self) -> list[str]:
        """Take the texts for the peer, oldest first."""
        out, self.out = self.out, []
        return out

    def take_parcels(self) -> list[Parcel]:
        """Take what is to go to the far end, oldest first."""
        return self._meeting.take_parcels()

    def take_untold(self) -> list[RelayEvent]:
        """Take what happened in `send`, which returns findings only."""
        untold, self._untold = self._untold, []
        return untold

    def next_deadline(self) -> datetime | None:
        if self.closed:
            return None
        moments = (
            self._passed.next_deadline(),
            self._meeting.held_until(self._held),
            self._delivered.next_deadline(),
            self._speak_by,
            self._leave_by,
            self._meeting.patience_ends(),
        )
        return min((moment for moment in moments if moment is not None), default=None)

    def tick(self, now: datetime) -> list[RelayEvent]:
        """Do what has become due."""
        events: list[RelayEvent] = []
        if self.closed:
            return events
        for waiting in self._passed.overdue(now):
            self._answer_busy(waiting.message_id, SILENT, events)
        if _is_due(self._meeting.held_until(self._held), now):
            self._refuse_held(SILENT if self._meeting.far_is_there else ABSENT, now, events)
            self._meeting.give_up(now)
        self._report_missing(now, events)
        if _is_due(self._meeting.patience_ends(), now):
            self._ask_to_reconnect("The other end of this link is back.", now, events)
        if _is_due(self._leave_by, now):
            self._close(1000, "session ended; the peer did not answer", events)
        elif _is_due(self._speak_by, now):
            self._close(1002, "no handshake in time", events)
        return events

    # -- The far end -------------------------------------------------------------------------------------------------

    def meet(self, far: SeatAddress | None) -> None:
        """What the directory knew of the far end after our seat was taken."""
        self._meeting.find(far)

    def hear_hello(self, far: SeatAddress, *, ready: bool, now: datetime) -> list[RelayEvent]:
        events: list[RelayEvent] = []
        if self.closed or self._meeting.is_stale(far):
            return events
        is_another = not self._meeting.is_with(far)
        if self._meeting.greet(far, ready=ready):
            if is_another and self._meeting.engaged:
                self._start_over("The other end of this link has begun anew.", now, events)
            self._meeting.say_hello()
        self._release_held(now)
        return events

    def hear_bye(self, far: SeatAddress, now: datetime) -> list[RelayEvent]:
        events: list[RelayEvent] = []
        if self._is_met(far):
            self._lose_far(now, events)
        return events

    def hear_message(self, text: str, message_id: str, far: SeatAddress, now: datetime) -> list[RelayEvent]:
        """Deliver what the far end's peer said and the far end found right."""
        if not self._is_met(far):
            return []
        if not self._meeting.ready or self._parting or self._delivered.full or len(self.out) > QUEUE_LIMIT:
            label = GONE if self._meeting.leaving or self._parting else FULL
            self._meeting.post("reception", reception_text(message_id, _BUSY, label), message_id)
            return []
        message = parse_message(text, self._view.profile)
        self._meeting.engaged = True
        events: list[RelayEvent] = [Delivered(text)]
        self._view.hear(message, message_id, text, now)
        self._delivered.add(message_id, message, now)
        self.out.append(text)
        return events

    def hear_reception(self, text: str, message_id: str, far: SeatAddress, now: datetime) -> list[RelayEvent]:
        """Deliver the far peer's verdict on something that our peer said."""
        events: list[RelayEvent] = []
        if not self._is_met(far):
            return events
        reception = parse_message(text, self._view.profile)
        waiting = self._passed.settle(message_id)
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
            if envelope.token == self._meeting.far_token:
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
        self._meeting.post("bye", "")
        self._meeting.leaving = True
        self._view.talk.close()

    # -- What the peer says ------------------------------------------------------------------------------------------

    def _take(
        self, judged: Judged, message_id: str, text: str, now: datetime, available: bool, events: list[RelayEvent]
    ) -> None:
        """Refuse a message of the peer, or pass it on, or say that this is not possible now."""
        message_type, findings = judged.message.message_type, judged.findings
        if errors := errors_of(findings):
            status = ReceptionStatusValues.INVALID_CONTENT
            events.append(self._refusal(text[:_HEAD], message_type, message_id, status, findings))
            if any(each.rule == "R-15" for each in errors):
                self._close(1002, "no version in common", events)
            return
        obstacle = self._obstacle(available)
        if obstacle is not None:
            events.append(self._refusal(text[:_HEAD], message_type, message_id, _BUSY, findings, label=obstacle))
            return
        self._view.say(judged, message_id, text, now)
        events.append(Passed(text, findings))
        self._pass_on(message_id, judged.message, judged.text, now)

    def _obstacle(self, available: bool) -> str | None:
        """Why a right message cannot be passed on now."""
        if self._leave_id is not None:
            return LEAVING
        if not available:
            return DOWN
        return FULL if self._passed.full or self._held.full else None

    def _pass_on(self, message_id: str, message: Message, text: str, now: datetime) -> None:
        self._meeting.begin_again()
        self._parting = self._parting or isinstance(message, SessionRequest)
        self._held.add(message_id, message, now, text)
        self._release_held(now)

    def _release_held(self, now: datetime) -> None:
        """Pass on what the peer has said, in its order, if both ends are ready for it."""
        if not self._meeting.flows:
            return
        for held in self._held.take_all():
            self._meeting.engaged = True
            self._passed.add(held.message_id, held.message, now)
            self._meeting.post("relayed", held.text, held.message_id)

    def _refuse_held(self, label: str, now: datetime, events: list[RelayEvent]) -> None:
        for held in self._held.take_all():
            self._answer_busy(held.message_id, label, events)
            self._meeting.refuse(now)

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
        self._meeting.post("reception", dump_message(reception, self._view.profile) if skipped else text, subject_id)
        findings = skipped
        if status in _REFUSALS:
            findings += self._view.overlooked(waiting.message, now)
        if status is not _OK or findings:
            events.append(Disputed(text, by_peer=True, findings=findings))
        self._follow(waiting.message, status, now, events)
        if status is ReceptionStatusValues.PERMANENT_ERROR and not self.closed:
            self._close(1000, "the peer reported a permanent error", events)

    def _follow(self, message: Message, status: ReceptionStatusValues, now: datetime, events: list[RelayEvent]) -> None:
        """What a verdict leads to, whichever side gave it."""
        self._view.settle(message, status, now)
        if isinstance(message, SessionRequest):
            self._close(1000, "session ended", events)

    # -- Meeting and parting -----------------------------------------------------------------------------------------

    def _is_met(self, far: SeatAddress) -> bool:
        return not self.closed and self._meeting.is_with(far)

    def _lose_far(self, now: datetime, events: list[RelayEvent]) -> None:
        self._meeting.lose(now)
        if self._meeting.engaged:
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
            self._meeting.leaving = True
            self._view.talk.close()
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
