"""Our own messages on their way: sent, acknowledged, sent again, or given up.

A message that the peer answers TEMPORARY_ERROR goes out again, unchanged, after each of the retry delays, unless it has
been overtaken by then: by a newer word on the same thing, by its revocation, or because it may not be said any more.
Only the last verdict is reported. A message without any answer is reported once its time is over; three in a row, and
nobody seems to be behind the socket any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from s2.conversation import Conversation
from s2.events import (
    AcknowledgementMissing,
    CloseRequested,
    ControlTypeSelected,
    Event,
    InstructionUpdated,
    ReceptionReceived,
    ReceptionUnmatched,
)
from s2.findings import Finding, Severity
from s2.messages import (
    EnergyManagementRole,
    Handshake,
    HandshakeResponse,
    Instruction,
    Message,
    ReceptionStatus,
    ReceptionStatusValues,
    SelectControlType,
    SessionRequest,
    dump_message,
)
from s2.rules.instructions import INSTRUCTIONS
from s2.rules.sessions import R_01, R_02
from s2.unanswered import Unanswered, Waiting
from s2.versions import WireProfile

#: So many messages in a row without acknowledgement, and the peer counts as gone.
MISSING_LIMIT = 3

_TEMPORARY = ReceptionStatusValues.TEMPORARY_ERROR
_OK = ReceptionStatusValues.OK
_REFUSED = (ReceptionStatusValues.INVALID_MESSAGE, ReceptionStatusValues.INVALID_CONTENT)


class Delivery:
    """The out queue of a session and what became of its messages. `role` is ours."""

    __slots__ = ("_conversation", "_missing", "_role", "_selection_id", "_unanswered", "out", "profile")

    def __init__(
        self,
        role: EnergyManagementRole,
        conversation: Conversation,
        profile: WireProfile,
        ack_timeout: timedelta,
        retry_delays: Sequence[timedelta],
    ) -> None:
        self.out: list[str] = []
        self.profile = profile
        self._role = role
        self._conversation = conversation
        self._unanswered = Unanswered(ack_timeout, retry_delays)
        self._missing = 0
        self._selection_id: str | None = None

    @property
    def full(self) -> bool:
        return self._unanswered.full

    def next_deadline(self) -> datetime | None:
        return self._unanswered.next_deadline()

    def post(self, message: Message, message_id: str, now: datetime) -> list[Event]:
        """Queue a message of ours. Raises ProfileError, and has done nothing then."""
        self.out.append(dump_message(message, self.profile))
        overtaken = self._unanswered.overtake(message, now)
        self._unanswered.add(message_id, message, now)
        if isinstance(message, SelectControlType):
            self._selection_id = message_id
        return self._given_up(overtaken, now)

    def begin_anew(self, now: datetime) -> list[Event]:
        """Give up what still has to be said again under the control type before."""
        return self._given_up(self._unanswered.end_control(now), now)

    def settle(self, reception: ReceptionStatus, now: datetime, findings: tuple[Finding, ...] = ()) -> list[Event]:
        """Take in the peer's verdict on something of ours; the findings are on the verdict itself."""
        events: list[Event] = []
        status, label = reception.status, reception.diagnostic_label
        subject_id = reception.subject_message_id
        waiting = self._unanswered.settle(subject_id)
        if waiting is None:
            finding = R_02.finding(None, "$.subject_message_id", f"{subject_id} is nothing that waits for an answer")
            events.append(ReceptionUnmatched(subject_id, status, label, (finding, *findings)))
        else:
            self._missing = 0
            if status is _TEMPORARY and self._postpone(waiting, now):
                return []
            events += self._final(waiting.message, status, label, now, findings)
        if status is ReceptionStatusValues.PERMANENT_ERROR and not self._over:
            events.append(self._close(1000, "the peer reported a permanent error"))
        return events

    def tick(self, now: datetime) -> list[Event]:
        events: list[Event] = []
        for waiting in self._unanswered.to_resend(now):
            events += self._resend(waiting, now)
        for message in self._unanswered.missing(now):
            if not self._over:
                events += self._report_missing(message)
        return events

    def void_selection(self) -> None:
        """New details ask for a new selection: what becomes of the one before them changes nothing any more."""
        self._selection_id = None

    @property
    def _over(self) -> bool:
        return self._conversation.closed

    def _postpone(self, waiting: Waiting, now: datetime) -> bool:
        # A peer too busy to take our leave is left without it.
        if isinstance(waiting.message, SessionRequest):
            return False
        return self._unanswered.postpone(waiting, now)

    def _resend(self, waiting: Waiting, now: datetime) -> list[Event]:
        message = waiting.message
        obstacle = "overtaken" if waiting.is_overtaken(now) else self._obstacle(message, now)
        if obstacle is not None:
            self._unanswered.settle(waiting.message_id)
            return self._final(message, _TEMPORARY, f"not sent again: {obstacle}", now)
        self.out.append(dump_message(message, self.profile))
        return []

    def _obstacle(self, message: Message, now: datetime) -> str | None:
        """Why a message may not be said a second time."""
        if isinstance(message, Handshake | HandshakeResponse):
            return None
        if isinstance(message, SelectControlType) and message.message_id != self._selection_id:
            return "the RM has sent new details"
        if isinstance(message, INSTRUCTIONS):
            entry = self._conversation.ledger.get(message.id)
            if entry is None or entry.ended:
                return "the instruction has ended"
        for each in self._conversation.judge(message, self._role, now):
            # Its own first sending made the instruction's id known, which must not count against it. That the
            # control type changed meanwhile excuses what was under way then, but not what is said again now.
            if each.rule == "R-12" or (each.severity is Severity.ERROR and each.rule != "R-34"):
                return each.label
        return None

    def _report_missing(self, message: Message) -> list[Event]:
        finding = R_01.finding(message, "$.message_id", "a ReceptionStatus should answer this message")
        events: list[Event] = [AcknowledgementMissing(message, (finding,))]
        self._missing += 1
        if isinstance(message, SessionRequest):
            events.append(self._close(1000, "session ended; the peer did not answer"))
        elif self._missing >= MISSING_LIMIT:
            events.append(self._close(1002, f"{MISSING_LIMIT} messages in a row without ReceptionStatus"))
        return events

    def _given_up(self, messages: list[Message], now: datetime) -> list[Event]:
        return [event for each in messages for event in self._final(each, _TEMPORARY, "overtaken", now)]

    def _final(
        self,
        message: Message,
        status: ReceptionStatusValues,
        label: str | None,
        now: datetime,
        findings: tuple[Finding, ...] = (),
    ) -> list[Event]:
        """Report the last verdict on a message, and what follows from it."""
        if status in _REFUSED:
            findings += self._conversation.refused(message, self._role, now)
        events: list[Event] = [ReceptionReceived(message, status, label, findings)]
        match message:
            case SelectControlType():
                events += self._selection_settled(message, status, now)
            case SessionRequest():
                events.append(self._close(1000, "session ended"))
            case Handshake() | HandshakeResponse() if status is not _OK:
                events.append(self._close(1002, f"the peer answered {message.message_type} with {status.value}"))
            case _ if isinstance(message, INSTRUCTIONS):
                events += self._instruction_settled(message, status)
        return events

    def _selection_settled(
        self, message: SelectControlType, status: ReceptionStatusValues, now: datetime
    ) -> list[Event]:
        if message.message_id != self._selection_id:
            return []
        if status is _OK:
            self._conversation.confirm_selection()
            return [ControlTypeSelected(message.control_type)]
        return [InstructionUpdated(entry) for entry in self._conversation.deselect(now)]

    def _instruction_settled(self, message: Instruction, status: ReceptionStatusValues) -> list[Event]:
        entry = self._conversation.ledger.receive(message, status)
        return [] if entry is None else [InstructionUpdated(entry)]

    def _close(self, code: int, reason: str) -> CloseRequested:
        self._conversation.close()
        return CloseRequested(code, reason)
