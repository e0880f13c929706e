"""What the peer of a relayed end says: judged, held until the far end is ready, passed on, and in the end answered."""

from __future__ import annotations

from datetime import datetime, timedelta

from flexhub.gateway.relay_answers import ABSENT, DOWN, FULL, GONE, LEAVING, SILENT, Answers
from flexhub.gateway.relay_ending import Ending
from flexhub.gateway.relay_events import Disputed, Passed, RelayEvent, Taken
from flexhub.gateway.relay_mail import Outstanding
from flexhub.gateway.relay_meeting import Meeting
from flexhub.gateway.relay_view import Judged, PeerView
from s2.findings import errors_of
from s2.messages import Message, ReceptionStatus, ReceptionStatusValues, SessionRequest, parse_message

_OK, _BUSY = ReceptionStatusValues.OK, ReceptionStatusValues.TEMPORARY_ERROR
_BREACH = ReceptionStatusValues.INVALID_CONTENT


class Speech:
    """The peer's messages that have no verdict yet."""

    __slots__ = ("_answers", "_ending", "_held", "_meeting", "_passed", "_view")

    def __init__(
        self, view: PeerView, meeting: Meeting, answers: Answers, ending: Ending, answer_timeout: timedelta
    ) -> None:
        self._view = view
        self._meeting = meeting
        self._answers = answers
        self._ending = ending
        self._passed = Outstanding(answer_timeout)
        self._held = Outstanding(answer_timeout)

    # -- From the peer -----------------------------------------------------------------------------------------------

    def take(
        self, judged: Judged, message_id: str, text: str, now: datetime, available: bool, events: list[RelayEvent]
    ) -> None:
        """Refuse a message of the peer, or pass it on, or say that this is not possible now."""
        if errors_of(judged.findings):
            self._refuse(judged, message_id, text, events)
            return
        message_type, findings = judged.message.message_type, judged.findings
        if judged.repeated and (self._passed.holds(message_id) or self._held.holds(message_id)):
            events.append(Passed(text, findings))  # It is on its way, and the verdict on it will be for both.
            return
        obstacle = self._obstacle(available)
        if obstacle is not None:
            events.append(self._answers.refuse(text, message_type, message_id, _BUSY, findings, label=obstacle))
            return
        self._view.say(judged, message_id, text, now)
        events.append(Passed(text, findings))
        self._pass_on(message_id, judged.message, judged.text, now)

    def _refuse(self, judged: Judged, message_id: str, text: str, events: list[RelayEvent]) -> None:
        message_type, findings = judged.message.message_type, judged.findings
        events.append(self._answers.refuse(text, message_type, message_id, _BREACH, findings))
        if any(each.rule == "R-15" for each in errors_of(findings)):
            self._ending.close(1002, "no version in common", events)

    def _obstacle(self, available: bool) -> str | None:
        """Why a right message cannot be passed on now."""
        if self._ending.is_asked_for:
            return LEAVING
        if not available:
            return DOWN
        return FULL if self._passed.full or self._held.full else None

    def _pass_on(self, message_id: str, message: Message, text: str, now: datetime) -> None:
        self._meeting.begin_again()
        if isinstance(message, SessionRequest):
            self._ending.peer_leaves = True
        self._held.add(message_id, message, now, text)
        self.release_held(now)

    # -- To the far end, and back ------------------------------------------------------------------------------------

    def release_held(self, now: datetime) -> None:
        """Pass on what the peer has said, in its order, if both ends are ready for it."""
        if not self._meeting.flows:
            return
        for held in self._held.take_all():
            self._meeting.engaged = True
            self._passed.add(held.message_id, held.message, now, held.text)
            self._meeting.post("relayed", held.text, held.message_id)

    def hear_verdict(self, text: str, message_id: str, now: datetime, events: list[RelayEvent]) -> None:
        """Deliver the far peer's verdict, if the message still waits for one."""
        waiting = self._passed.settle(message_id)
        if waiting is None:
            return
        reception = parse_message(text, self._view.profile)
        if not isinstance(reception, ReceptionStatus):
            return
        self._answers.say(text)
        if reception.status is not _OK:
            events.append(Disputed(text))
        else:
            events.append(Taken(waiting.message, waiting.text))
        self._ending.follow(waiting.message, reception.status, now, events)

    # -- What cannot be passed on ------------------------------------------------------------------------------------

    def bounce(self, message_id: str, label: str, events: list[RelayEvent]) -> None:
        """Answer a message that reached no inbox."""
        if self._passed.settle(message_id) is not None:
            events.append(self._answers.put_off(message_id, label))

    def refuse_held(self, label: str, now: datetime, events: list[RelayEvent]) -> None:
        for held in self._held.take_all():
            events.append(self._answers.put_off(held.message_id, label))
            self._meeting.refuse(now)

    def give_up_all(self, events: list[RelayEvent]) -> None:
        """Answer everything that was under way: the far end's session is gone."""
        void = self._passed.take_all() + self._held.take_all()
        events += [self._answers.put_off(each.message_id, GONE) for each in void]

    def next_deadline(self) -> datetime | None:
        passed, held = self._passed.next_deadline(), self._meeting.held_until(self._held)
        return held if passed is None or (held is not None and held < passed) else passed

    def tick(self, now: datetime, events: list[RelayEvent]) -> None:
        events += [self._answers.put_off(each.message_id, SILENT) for each in self._passed.overdue(now)]
        until = self._meeting.held_until(self._held)
        if until is not None and until <= now:
            self.refuse_held(SILENT if self._meeting.far_is_there else ABSENT, now, events)
            self._meeting.give_up(now)
