"""How a session at one end of a relayed link comes to its end: asked for by us or by a peer, or at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from flexhub.gateway.relay_answers import Answers
from flexhub.gateway.relay_events import Farewell, RelayEvent
from flexhub.gateway.relay_meeting import Meeting
from flexhub.gateway.relay_view import PeerView
from s2.events import CloseRequested
from s2.messages import Message, ReceptionStatusValues, SessionRequest, SessionRequestType, dump_message


class Ending:
    """`peer_leaves`: the peer itself has asked for the end; its SessionRequest is on its way to the far end."""

    __slots__ = (
        "_ack_timeout",
        "_answers",
        "_farewell_id",
        "_meeting",
        "_new_id",
        "_untold",
        "_view",
        "deadline",
        "peer_leaves",
    )

    def __init__(
        self, view: PeerView, meeting: Meeting, answers: Answers, new_id: Callable[[], str], ack_timeout: timedelta
    ) -> None:
        self._view = view
        self._meeting = meeting
        self._answers = answers
        self._new_id = new_id
        self._ack_timeout = ack_timeout
        self._untold: list[RelayEvent] = []
        self._farewell_id: str | None = None
        # When we close, although the peer has not answered our farewell.
        self.deadline: datetime | None = None
        self.peer_leaves = False

    @property
    def is_asked_for(self) -> bool:
        """Whether we took leave of the peer."""
        return self._farewell_id is not None

    def take_leave(self, request: SessionRequest, now: datetime) -> None:
        text = dump_message(request, self._view.profile)
        self._answers.say(text)
        self._untold.append(Farewell(text))
        self._meeting.leaving = True
        self._farewell_id, self.deadline = request.message_id, now + self._ack_timeout

    def take_untold(self) -> list[RelayEvent]:
        """Take what happened in `take_leave`."""
        untold, self._untold = self._untold, []
        return untold

    def is_farewell(self, message_id: str) -> bool:
        return message_id == self._farewell_id

    def ask_to_reconnect(self, label: str, now: datetime, events: list[RelayEvent]) -> None:
        if self.is_asked_for:
            return
        if self.peer_leaves:
            self.close(1000, "session ended", events)
            return
        request = SessionRequest(
            message_id=self._new_id(), request=SessionRequestType.RECONNECT, diagnostic_label=label
        )
        self.take_leave(request, now)

    def follow(self, message: Message, status: ReceptionStatusValues, now: datetime, events: list[RelayEvent]) -> None:
        """What a verdict on a message leads to, whichever side gave it."""
        self._view.settle(message, status, now)
        if isinstance(message, SessionRequest):
            self.close(1000, "session ended", events)

    def close(self, code: int, reason: str, events: list[RelayEvent]) -> None:
        if not self._view.talk.closed:
            self._meeting.leaving = True
            self._view.talk.close()
            events.append(CloseRequested(code, reason))
