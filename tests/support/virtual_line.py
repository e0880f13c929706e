"""One device's S2 session with its CEM in virtual time: both ends in memory, what it means folded as a gateway does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from cem_service.domain.decision import Decision
from cem_service.domain.selection import PREFERENCE
from flexhub.demo.rm.client import ACK_TIMEOUT_S, GRACE_S, RETRY_DELAYS_S
from flexhub.demo.rm.conversation import Conversation
from flexhub.gateway.wakes import WakeMemory
from s2.descriptions import SystemDescription
from s2.errors import LocalProtocolError
from s2.events import CloseRequested, DescriptionInForce, Event, MessageReceived
from s2.messages import ControlType, EnergyManagementRole, FRBCInstruction, Message, SelectControlType
from s2.session import Session
from tests.support.faults import CLOCK_OFF_S, Moody, Trouble
from tests.support.virtual_cem import VirtualCEM

ACK_TIMEOUT = timedelta(seconds=ACK_TIMEOUT_S)
RETRY_DELAYS = [timedelta(seconds=delay_s) for delay_s in RETRY_DELAYS_S]
RECONNECTS_AFTER = timedelta(seconds=20)


@dataclass
class VirtualLine:
    """`wake` is called when the CEM should look at the site; `look` when the device's power may have changed."""

    link_id: UUID
    resource: Moody
    cem: VirtualCEM
    measures_site: bool
    new_id: Callable[[], str]
    wake: Callable[[], None]
    look: Callable[[], None]
    rm: Conversation | None = None
    sessions: int = 0
    _session: Session = field(init=False)
    _wakes: WakeMemory = field(init=False)
    _dials_at: datetime | None = None
    _controlled_at_s: float = 0.0

    @property
    def controlling(self) -> bool:
        return self.rm is not None and self.rm.controlling

    def tick(self, now: datetime, troubles: frozenset[Trouble]) -> None:
        """Let both ends say what is due, and the device go back to its own behaviour when it was left alone."""
        self.resource.troubles = troubles
        if Trouble.LOST in troubles:
            self._hang_up(now)
        elif self.rm is None and (self._dials_at is None or self._dials_at <= now):
            self._connect(now)
        if self.rm is not None:
            self.rm.tick(self._device_time(now))
            self._handle(self._session.tick(now), now)
            self._exchange(now)
        at_s = now.timestamp()
        if self.controlling:
            self._controlled_at_s = at_s
        elif self.resource.controlled and at_s >= self._controlled_at_s + GRACE_S:
            self.resource.release(at_s)

    def tell(self, decision: Decision, now: datetime) -> bool:
        """False where the session does not let it out."""
        if self.rm is None:
            return False
        try:
            for revocation in decision.revocations:
                self._session.send(revocation, now)
            self._session.send(decision.message, now)
        except LocalProtocolError:
            return False
        if isinstance(decision.message, FRBCInstruction):
            self._wakes.instructed(decision.message.actuator_id, decision.message.operation_mode)
        self._exchange(now)
        return True

    def select(self, now: datetime) -> None:
        """As a worker does first when it looks at a site: whoever waits to be selected, or was released."""
        known = self.cem.links[self.link_id]
        wanted = known.to_select()
        if wanted is not None and self.rm is not None:
            known.control_type = wanted
            self._tell_selection(wanted, now)

    def release(self, now: datetime) -> None:
        """As a gateway does when no worker has looked for too long (`flexhub.gateway.cem_watch`)."""
        if self.controlling and self._session.control_type in PREFERENCE:
            self.cem.links[self.link_id].release()
            self._tell_selection(ControlType.NO_SELECTION, now)

    def _tell_selection(self, control_type: ControlType, now: datetime) -> None:
        self._session.send(SelectControlType(message_id=self.new_id(), control_type=control_type), now)
        self._exchange(now)

    def next_due_s(self) -> float | None:
        return None if self.rm is None else self.rm.next_due_s()

    def _connect(self, now: datetime) -> None:
        self._session = Session(
            EnergyManagementRole.CEM, new_id=self.new_id, ack_timeout=ACK_TIMEOUT, retry_delays=RETRY_DELAYS
        )
        self._wakes = WakeMemory(measures_site=self.measures_site)
        # A Moody is a Resource in all but name.
        self.rm = Conversation(self.resource, ack_timeout=ACK_TIMEOUT, retry_delays=RETRY_DELAYS)  # type: ignore[arg-type]
        self.sessions += 1
        self.cem.links[self.link_id].begin()
        self._handle(self._session.start(now), now)
        self.rm.start(self._device_time(now))
        self._exchange(now)

    def _hang_up(self, now: datetime) -> None:
        if self.rm is not None:
            self.rm = None
            self._dials_at = now + RECONNECTS_AFTER
            self.resource.forget_instructions()
            self.cem.links[self.link_id].begin()
            self.wake()

    def _device_time(self, now: datetime) -> datetime:
        return now + timedelta(seconds=CLOCK_OFF_S) if Trouble.CLOCK_OFF in self.resource.troubles else now

    def _exchange(self, now: datetime) -> None:
        """Carry texts over until both are silent; then hang up if one of them wants to."""
        closing = False
        while self.rm is not None:
            from_device, from_cem = self.rm.data_to_send(), self._session.data_to_send()
            if not from_device and not from_cem:
                break
            for text in from_device:
                closing |= self._handle(self._session.receive_text(text, now), now)
            for text in from_cem:
                self.rm.receive_text(text, self._device_time(now))
        if self.rm is not None and self.rm.ordered:
            self.rm.ordered = False
            self.look()
        if closing or (self.rm is not None and self.rm.close is not None):
            self._hang_up(now)

    def _handle(self, events: list[Event], now: datetime) -> bool:
        """Whether our side wants the session to end."""
        for event in events:
            if isinstance(event, MessageReceived):
                announced = isinstance(event.message, SystemDescription)
                if not announced or self._session.resource.description_at(now) is event.message:
                    self._hear(event.message, now)
            elif isinstance(event, DescriptionInForce):
                self._hear(event.description, now)
        return any(isinstance(event, CloseRequested) for event in events)

    def _hear(self, message: Message, now: datetime) -> None:
        self.cem.hear(self.link_id, message, now)
        if self._wakes.is_worth(message):
            self.wake()
