"""One device's S2 session: a Resource on one side, texts on the other. Neither sockets nor clocks in here."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from flexhub.demo.rm.resource import Resource
from s2.errors import LocalProtocolError
from s2.events import (
    AcknowledgementMissing,
    CloseRequested,
    ControlTypeSelected,
    Event,
    MessageReceived,
    Opened,
    ReceptionReceived,
)
from s2.messages import (
    ControlType,
    EnergyManagementRole,
    Instruction,
    Message,
    ReceptionStatusValues,
    RevokeObject,
)
from s2.session import Session

log = logging.getLogger(__name__)


class Conversation:
    """Lives as long as one connection. All durations are in the time of the `now` that is passed in."""

    def __init__(self, resource: Resource, *, ack_timeout: timedelta, retry_delays: Sequence[timedelta]) -> None:
        self._resource = resource
        self._session = Session(
            EnergyManagementRole.RM,
            new_id=resource.identity.new_id,
            ack_timeout=ack_timeout,
            handshake_timeout=3 * ack_timeout,
            retry_delays=retry_delays,
        )
        self._open = False
        self.refused = 0
        # Set when the device was told something; whoever drives this looks at its power then, and resets it.
        self.ordered = False
        self.close: CloseRequested | None = None

    @property
    def control_type(self) -> ControlType | None:
        return self._session.control_type

    @property
    def controlling(self) -> bool:
        """Whether the energy manager has selected what this device offers, in this session."""
        return self._session.control_type is self._resource.control_type

    def start(self, now: datetime) -> None:
        self._resource.forget_instructions()
        self._resource.forget_reports()
        self._handle(self._session.start(now), now)

    def receive_text(self, text: str, now: datetime) -> None:
        self._handle(self._session.receive_text(text, now), now)

    def receive_bytes(self, data: bytes, now: datetime) -> None:
        self._handle(self._session.receive_bytes(data, now), now)

    def tick(self, now: datetime) -> None:
        """Say what is due."""
        self._handle(self._session.tick(now), now)
        if not self._open or self.close is not None:
            return
        at_s = now.timestamp()
        self._send(self._resource.report(at_s), now)
        if self.controlling:
            self._send(self._resource.changes(at_s), now)

    def data_to_send(self) -> list[str]:
        return self._session.data_to_send()

    def next_due_s(self) -> float | None:
        return self._resource.next_due_s() if self.controlling else None

    # -- What happened -----------------------------------------------------------------------------------------------

    def _handle(self, events: Sequence[Event], now: datetime) -> None:
        for event in events:
            match event:
                case Opened():
                    self._open = True
                    self._send([self._resource.details()], now)
                    self._send(self._resource.report(now.timestamp()), now)
                case ControlTypeSelected(control_type=control_type):
                    self._select(control_type, now)
                case MessageReceived(message=message):
                    self._obey(message, now)
                case ReceptionReceived(subject=subject, status=status, label=label):
                    self._note_reception(subject, status, label)
                case AcknowledgementMissing(message=message):
                    log.info("%s: no acknowledgement of %s", self._resource.identity.name, message.message_type)
                case CloseRequested():
                    self.close = event
                case _:
                    pass

    def _select(self, control_type: ControlType, now: datetime) -> None:
        self.ordered = True
        if control_type is self._resource.control_type:
            self._send(self._resource.take_control(now.timestamp()), now)
        else:
            self._resource.release(now.timestamp())

    def _obey(self, message: Message, now: datetime) -> None:
        at_s = now.timestamp()
        if isinstance(message, Instruction):
            self.ordered = True
            self._send(self._resource.instruct(message, at_s), now)
            self._send(self._resource.changes(at_s), now)
        elif isinstance(message, RevokeObject):
            self._send(self._resource.revoke(message, at_s), now)

    def _note_reception(self, subject: Message, status: ReceptionStatusValues, label: str | None) -> None:
        if status is ReceptionStatusValues.OK:
            return
        self.refused += 1
        log.info("%s: %s was answered %s (%s)", self._resource.identity.name, subject.message_type, status, label)

    def _send(self, messages: Sequence[Message], now: datetime) -> None:
        """A message that breaks a rule is our own mistake: it is logged, and the device goes on."""
        for message in messages:
            try:
                self._session.send(message, now)
            except LocalProtocolError as error:
                self.refused += 1
                log.warning("%s cannot say %s: %s", self._resource.identity.name, message.message_type, error)
