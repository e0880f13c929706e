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
the far end is just on its way. A verdict that comes later is dropped, and the peer says the message again. The far end
knows what its peer was told, and answers a repetition with the peer's verdict; the peer is told again only where it has
asked for it. So nothing is lost in silence, no OK is false, and nothing is done twice.

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

What the peer says is in `relay_speech`, what it is told in `relay_hearing`, how the ends meet in `relay_meeting`, how
they part in `relay_ending`. `relay_post` is the shell: it makes rows and envelopes of what an end brings about.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from flexhub.bus import Envelope, PublishResult, SeatAddress
from flexhub.gateway.relay_answers import ABSENT, DOWN, FULL, Answers
from flexhub.gateway.relay_ending import Ending
from flexhub.gateway.relay_events import RelayEvent
from flexhub.gateway.relay_hearing import Hearing
from flexhub.gateway.relay_mail import Parcel
from flexhub.gateway.relay_meeting import Meeting
from flexhub.gateway.relay_speech import Speech
from flexhub.gateway.relay_view import PeerView
from s2.errors import RemoteProtocolError, WrongState
from s2.findings import Finding
from s2.ledger import InstructionLedger
from s2.messages import (
    ControlType,
    EnergyManagementRole,
    Message,
    ReceptionStatus,
    SessionRequest,
)
from s2.resource import ResourceView
from s2.states import SessionState
from s2.strictness import STRICT, Strictness
from s2.versions import WireProfile

#: A peer that waits 10 s for an answer gets one of ours before it gives up.
ANSWER_TIMEOUT_S = 8.0
#: A peer whose far end is not there is told so after this; it is as long as a quick reconnection takes.
ABSENCE_S = 3.0
#: A peer says what was answered TEMPORARY_ERROR again after 4 s at the latest.
PATIENCE_S = 5.0


class RelayEnd:
    """One end of a relayed link. `peer` is the role of the side behind our socket. All durations are in hub time."""

    __slots__ = (
        "_answers",
        "_ending",
        "_handshake_timeout",
        "_hearing",
        "_meeting",
        "_speak_by",
        "_speech",
        "_view",
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
        self._handshake_timeout = handshake_timeout
        self._speak_by: datetime | None = None
        self._view = PeerView(peer, ack_timeout, strictness)
        self._meeting = Meeting(absence, patience)
        self._answers = Answers()
        self._ending = Ending(self._view, self._meeting, self._answers, new_id, ack_timeout)
        self._speech = Speech(self._view, self._meeting, self._answers, self._ending, answer_timeout)
        self._hearing = Hearing(self._view, self._meeting, self._answers, self._ending, ack_timeout)

    # -- As a session ------------------------------------------------------------------------------------------------

    @property
    def out(self) -> list[str]:
        return self._answers.out

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
            return [self._answers.refuse_unreadable(text, error)]
        if isinstance(message, ReceptionStatus):
            self._hearing.take_verdict(message, text, skipped, now, events)
        else:
            judged = self._view.judge(message, message.message_id, text, skipped, now)
            self._speech.take(judged, message.message_id, text, now, available, events)
        return events

    def receive_bytes(self, data: bytes, now: datetime) -> list[RelayEvent]:  # noqa: ARG002  # As a session's.
        """Take in one binary frame, which S2 does not know."""
        return [] if self.closed else [self._answers.refuse_bytes(data)]

    def send(self, message: Message, now: datetime) -> tuple[Finding, ...]:
        """Take leave of the peer. Raises WrongState for anything but a SessionRequest, and for a second one."""
        if not isinstance(message, SessionRequest):
            raise WrongState("only its peers speak on a relayed link")
        if self.closed or self._ending.is_asked_for or self._ending.peer_leaves:
            raise WrongState("the session is over")
        self._ending.take_leave(message, now)
        return ()

    def data_to_send(self) -> list[str]:
        """Take the texts for the peer, oldest first."""
        return self._answers.take()

    def take_parcels(self) -> list[Parcel]:
        """Take what is to go to the far end, oldest first."""
        return self._meeting.take_parcels()

    def take_untold(self) -> list[RelayEvent]:
        """Take what happened in `send`, which returns findings only."""
        return self._ending.take_untold()

    def next_deadline(self) -> datetime | None:
        if self.closed:
            return None
        earliest = self._speech.next_deadline()
        # Written out, since it is asked after every message; most of these are None.
        for moment in (
            self._hearing.next_deadline(),
            self._speak_by,
            self._ending.deadline,
            self._meeting.patience_ends(),
        ):
            if moment is not None and (earliest is None or moment < earliest):
                earliest = moment
        return earliest

    def tick(self, now: datetime) -> list[RelayEvent]:
        """Do what has become due."""
        events: list[RelayEvent] = []
        if self.closed:
            return events
        self._speech.tick(now, events)
        self._hearing.tick(now, events)
        if _is_due(self._meeting.patience_ends(), now):
            self._ending.ask_to_reconnect("The other end of this link is back.", now, events)
        if _is_due(self._ending.deadline, now):
            self._ending.close(1000, "session ended; the peer did not answer", events)
        elif _is_due(self._speak_by, now):
            self._ending.close(1002, "no handshake in time", events)
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
        self._speech.release_held(now)
        return events

    def hear_bye(self, far: SeatAddress, now: datetime) -> list[RelayEvent]:
        events: list[RelayEvent] = []
        if self._is_met(far):
            self._lose_far(now, events)
        return events

    def hear_message(self, text: str, message_id: str, far: SeatAddress, now: datetime) -> list[RelayEvent]:
        """Deliver what the far end's peer said and the far end found right."""
        events: list[RelayEvent] = []
        if self._is_met(far):
            self._hearing.deliver(text, message_id, now, events)
        return events

    def hear_reception(self, text: str, message_id: str, far: SeatAddress, now: datetime) -> list[RelayEvent]:
        """Deliver the far peer's verdict on something that our peer said."""
        events: list[RelayEvent] = []
        if self._is_met(far):
            self._speech.hear_verdict(text, message_id, now, events)
        return events

    def undelivered(self, envelope: Envelope, reason: PublishResult | None, now: datetime) -> list[RelayEvent]:
        """A parcel of ours reached no inbox; without reason the bus is down."""
        events: list[RelayEvent] = []
        if self.closed:
            return events
        if reason is PublishResult.NO_SEAT:
            if envelope.token == self._meeting.far_token:
                self._speech.refuse_held(ABSENT, now, events)
                self._lose_far(now, events)
        elif envelope.kind == "relayed":
            self._speech.bounce(envelope.message_id, FULL if reason is PublishResult.FULL else DOWN, events)
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

    def _is_met(self, far: SeatAddress) -> bool:
        return not self.closed and self._meeting.is_with(far)

    def _lose_far(self, now: datetime, events: list[RelayEvent]) -> None:
        self._meeting.lose(now)
        if self._meeting.engaged:
            self._start_over("The other end of this link has gone.", now, events)

    def _start_over(self, label: str, now: datetime, events: list[RelayEvent]) -> None:
        """What was under way is void; the peer has to begin from a clean state."""
        self._speech.give_up_all(events)
        self._ending.ask_to_reconnect(label, now, events)


def _is_due(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and moment <= now
