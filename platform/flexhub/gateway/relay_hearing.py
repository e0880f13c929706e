"""What the peer of a relayed end is told by the far end's peer, and its verdicts on that."""

from __future__ import annotations

from datetime import datetime, timedelta

from flexhub.gateway.relay_answers import FULL, GONE, Answers
from flexhub.gateway.relay_ending import Ending
from flexhub.gateway.relay_events import Delivered, RelayEvent
from flexhub.gateway.relay_mail import Outstanding, Waiting
from flexhub.gateway.relay_meeting import Meeting
from flexhub.gateway.relay_view import PeerView
from s2.events import AcknowledgementMissing, ReceptionReceived, ReceptionUnmatched
from s2.findings import Finding
from s2.messages import ReceptionStatus, ReceptionStatusValues, dump_message, parse_message
from s2.receptions import reception_text
from s2.rules.sessions import R_01, R_02

#: So many texts that the peer does not read, or deliveries in a row that it does not answer, and nobody is there.
QUEUE_LIMIT = 1000
MISSING_LIMIT = 3

_BUSY = ReceptionStatusValues.TEMPORARY_ERROR
_REFUSALS = (ReceptionStatusValues.INVALID_MESSAGE, ReceptionStatusValues.INVALID_CONTENT)


class Hearing:
    """The deliveries that the peer has not answered yet."""

    __slots__ = ("_answers", "_delivered", "_ending", "_meeting", "_missing", "_view")

    def __init__(
        self, view: PeerView, meeting: Meeting, answers: Answers, ending: Ending, ack_timeout: timedelta
    ) -> None:
        self._view = view
        self._meeting = meeting
        self._answers = answers
        self._ending = ending
        self._delivered = Outstanding(ack_timeout, forgives=True)
        self._missing = 0

    def deliver(self, text: str, message_id: str, now: datetime, events: list[RelayEvent]) -> None:
        """Tell the peer what the far end found right, or the far end that this is not possible now.

        What the peer was told before is said again because its verdict was late or got lost. It gets the same verdict,
        and the peer does not hear of it: nobody shall have to rely on it to do nothing twice.
        """
        if self._view.told.awaits(text):
            return  # The verdict that is still to come is for both.
        answer = self._view.told.answer_to(message_id, text)
        if answer is None and (obstacle := self._obstacle()) is not None:
            answer = reception_text(message_id, _BUSY, obstacle)
        if answer is not None:
            self._meeting.post("reception", answer, message_id)
            return
        message = parse_message(text, self._view.profile)
        self._meeting.engaged = True
        events.append(Delivered(text))
        self._view.hear(message, message_id, text, now)
        self._delivered.add(message_id, message, now, text)
        self._answers.say(text)

    def _obstacle(self) -> str | None:
        if self._meeting.leaving or self._ending.peer_leaves:
            return GONE
        if not self._meeting.ready or self._delivered.full or len(self._answers.out) > QUEUE_LIMIT:
            return FULL
        return None

    def take_verdict(
        self,
        reception: ReceptionStatus,
        text: str,
        skipped: tuple[Finding, ...],
        now: datetime,
        events: list[RelayEvent],
    ) -> None:
        """The peer's verdict on what was delivered to it, or on our own farewell."""
        if self._ending.is_farewell(reception.subject_message_id):
            self._ending.close(1000, "session ended", events)
            return
        waiting = self._delivered.settle(reception.subject_message_id)
        if waiting is None:
            events.append(_unmatched(reception, skipped))
            return
        self._missing = 0
        self._report(waiting, reception, text, skipped, now, events)
        self._ending.follow(waiting.message, reception.status, now, events)
        if reception.status is ReceptionStatusValues.PERMANENT_ERROR:
            self._ending.close(1000, "the peer reported a permanent error", events)

    def _report(
        self,
        waiting: Waiting,
        reception: ReceptionStatus,
        text: str,
        skipped: tuple[Finding, ...],
        now: datetime,
        events: list[RelayEvent],
    ) -> None:
        """Send the verdict on its way."""
        self._view.told.judge(waiting.text, reception.status, reception.diagnostic_label)
        passed = dump_message(reception, self._view.profile) if skipped else text
        self._meeting.post("reception", passed, reception.subject_message_id)
        findings = skipped
        if reception.status in _REFUSALS:
            findings += self._view.overlooked(waiting.message, now)
        events.append(ReceptionReceived(waiting.message, reception.status, reception.diagnostic_label, findings))

    def next_deadline(self) -> datetime | None:
        return self._delivered.next_deadline()

    def tick(self, now: datetime, events: list[RelayEvent]) -> None:
        for waiting in self._delivered.overdue(now):
            finding = R_01.finding(waiting.message, "$.message_id", "a ReceptionStatus should answer this message")
            events.append(AcknowledgementMissing(waiting.message, (finding,)))
            self._missing += 1
        if self._missing >= MISSING_LIMIT:
            self._ending.close(1002, f"{MISSING_LIMIT} messages in a row without ReceptionStatus", events)


def _unmatched(reception: ReceptionStatus, skipped: tuple[Finding, ...]) -> ReceptionUnmatched:
    subject_id = reception.subject_message_id
    finding = R_02.finding(reception, "$.subject_message_id", f"{subject_id} is nothing that waits for an answer")
    return ReceptionUnmatched(subject_id, reception.status, reception.diagnostic_label, (finding, *skipped))
