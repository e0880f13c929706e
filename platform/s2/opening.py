"""How a session opens: by the Handshakes of a bare WebSocket, or at once where S2 Connect has settled the version.

Both sides send a Handshake, either may be first, and the CEM answers the RM's with the version it chose. The standard
has no procedure for two sides without a common version: we say why and go. `opening` knows neither socket nor clock.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from s2.conversation import Conversation
from s2.delivery import Delivery
from s2.events import Event, Opened
from s2.messages import EnergyManagementRole, Handshake, HandshakeResponse, SessionRequest, SessionRequestType
from s2.states import SessionState
from s2.versions import WireProfile, select_version


class Opening:
    """Our part in the opening. `role` is ours; `versions` are those we speak, oldest first."""

    __slots__ = ("_conversation", "_deadline", "_delivery", "_new_id", "_open", "_role", "_timeout", "_versions")

    def __init__(
        self,
        role: EnergyManagementRole,
        versions: tuple[WireProfile, ...],
        conversation: Conversation,
        delivery: Delivery,
        new_id: Callable[[], str],
        timeout: timedelta,
    ) -> None:
        self._role = role
        self._versions = versions
        self._conversation = conversation
        self._delivery = delivery
        self._new_id = new_id
        self._timeout = timeout
        self._deadline: datetime | None = None
        self._open = False

    def start(self, now: datetime) -> list[Event]:
        """Queue our Handshake; where the version is agreed already, the session is open at once."""
        if self._conversation.profile is not None:
            return self.open()
        self._deadline = now + self._timeout
        spellings = tuple(each.value for each in reversed(self._versions))
        hello = Handshake(message_id=self._new_id(), role=self._role, supported_protocol_versions=spellings)
        self._delivery.post(hello, hello.message_id, now)
        self._conversation.apply(hello, self._role, now)
        return []

    def next_deadline(self) -> datetime | None:
        return self._deadline if self._conversation.state is SessionState.NEGOTIATING else None

    def is_overdue(self, now: datetime) -> bool:
        deadline = self.next_deadline()
        return deadline is not None and deadline <= now

    def choose(self, handshake: Handshake, now: datetime) -> list[Event]:
        """As CEM: answer the RM's Handshake with the version that we choose, spelled as the RM does."""
        if self._open:
            return []
        choice = select_version(handshake.supported_protocol_versions or (), self._versions)
        if choice is None:
            return []
        response = HandshakeResponse(message_id=self._new_id(), selected_protocol_version=choice[0])
        self._delivery.post(response, response.message_id, now)
        self._conversation.apply(response, self._role, now)
        return self.open()

    def open(self) -> list[Event]:
        """The version has been agreed; from here on no greeting has an effect."""
        profile = self._conversation.profile
        if profile is None or self._open:
            return []
        self._open = True
        self._delivery.profile = profile
        return [Opened(profile)]

    def part(self, now: datetime, reason: str) -> None:
        """Say why this conversation cannot be."""
        farewell = SessionRequest(
            message_id=self._new_id(), request=SessionRequestType.TERMINATE, diagnostic_label=reason
        )
        self._delivery.post(farewell, farewell.message_id, now)
