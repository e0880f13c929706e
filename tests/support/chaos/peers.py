"""Clients of a hub as they are in the field: they stay connected, come back with back-off, and forget nothing.

An RM offers power envelopes, measures, and carries out each instruction that it is told. A building's CEM answers each
offer with an instruction. Both speak through a real `Session`.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import ClassVar
from uuid import uuid4

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from cem_service.instructions import Envelope, pebc_instruction
from flexhub.load.engine.targets import Target
from s2.errors import LocalProtocolError
from s2.events import CloseRequested, ControlTypeSelected, Event, MessageReceived, Opened
from s2.messages import (
    CommodityQuantity,
    ControlType,
    EnergyManagementRole,
    Message,
    PEBCInstruction,
    PEBCPowerConstraints,
    PowerMeasurement,
    PowerValue,
    ResourceManagerDetails,
    SelectControlType,
)
from s2.session import Session
from tests.support.chaos.journal import Journal
from tests.support.envelope_device import PEAK_W, constraints, details, obedience

TICK_S = 0.25
# As S2 Connect's random(0, min(600 s, 2 s * 2^n)), in a tenth of the time and less.
FIRST_DELAY_S, LONGEST_DELAY_S = 0.2, 3.0
OPEN_TIMEOUT_S = 10.0
_ENVELOPES = ControlType.POWER_ENVELOPE_BASED_CONTROL
_L1 = CommodityQuantity.ELECTRIC_POWER_L1

# The ports to choose from, in any order: what a load balancer knows.
Ports = Callable[[], Sequence[int]]


class Peer:
    """One client of one link."""

    role: ClassVar[EnergyManagementRole]

    def __init__(self, target: Target, ports: Ports) -> None:
        self.target = target
        self.ports = ports
        self.journal = Journal()
        self.session: Session | None = None
        self._frozen = False
        self._socket: ClientConnection | None = None
        self._port: int | None = None
        self._failures = 0
        self._flushing = asyncio.Lock()

    async def live(self) -> None:
        """Stay connected until cancelled."""
        while True:
            await self.connect()
            longest_s = min(LONGEST_DELAY_S, FIRST_DELAY_S * 2 ** min(self._failures, 10))
            self._failures += 1
            await asyncio.sleep(random.uniform(0, longest_s))  # noqa: S311  # Spreads reconnects.

    @property
    def idle(self) -> bool:
        """Nothing that it said waits for an answer, or for being said again."""
        return self.session is None or self.session.next_deadline() is None

    @property
    def opened(self) -> bool:
        return self.session is not None and self.session.profile is not None

    async def say(self, *messages: Message) -> None:
        """What cannot be said now, because the connection or the control type is gone, is dropped."""
        if self.session is None or self._frozen:
            return
        for message in messages:
            with suppress(LocalProtocolError):
                self.session.send(message, datetime.now(UTC))
        await self._flush()

    def cut(self) -> None:
        """Drop the connection without a word to anyone, and come back."""
        self._frozen = False
        if self._socket is not None:
            self._socket.transport.abort()

    def freeze(self) -> None:
        """Do and say nothing any more, until the connection is cut."""
        self._frozen = True

    async def report(self) -> None:
        """What it says by itself from time to time."""

    async def _handle(self, event: Event) -> None:
        raise NotImplementedError

    # -- The connection ------------------------------------------------------------------------------------------------

    async def connect(self) -> None:
        """One connection, or one attempt at it, to its end."""
        headers = {"Authorization": f"Bearer {self.target.token}"}
        url = f"ws://127.0.0.1:{self._choose_port()}{self.target.path}"
        # No pings of its own: what a dead server looks like to it is for the session to find out.
        opening = connect(
            url,
            additional_headers=headers,
            compression=None,
            ping_interval=None,
            open_timeout=OPEN_TIMEOUT_S,
            close_timeout=1,
        )
        try:
            socket = await opening
        except InvalidStatus as error:
            self.journal.end(None, f"HTTP {error.response.status_code}")
        except (OSError, EOFError, TimeoutError, WebSocketException) as error:
            self.journal.end(None, type(error).__name__)
        else:
            async with socket:
                await self._converse(socket)

    def _choose_port(self) -> int:
        """Another one than the last time, where there is another."""
        ports = list(self.ports())
        others = [port for port in ports if port != self._port]
        self._port = random.choice(others or ports)  # noqa: S311  # As a load balancer does.
        return self._port

    async def _converse(self, socket: ClientConnection) -> None:
        self.journal.begin()
        self._socket = socket
        self.session = session = Session(self.role, new_id=new_id)
        ticking = asyncio.create_task(self._tick(session))
        try:
            await self._take(session.start(datetime.now(UTC)))
            async for text in socket:
                assert isinstance(text, str)
                if self._frozen:
                    continue
                self.journal.note_heard(text)
                await self._take(session.receive_text(text, datetime.now(UTC)))
        except ConnectionClosed:
            pass
        finally:
            ticking.cancel()
            self.session = self._socket = None
            self.journal.end(socket.protocol.close_code or 1006, socket.protocol.close_reason or "")

    async def _tick(self, session: Session) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            due = session.next_deadline()
            if due is not None and due <= datetime.now(UTC) and not self._frozen:
                await self._take(session.tick(datetime.now(UTC)))

    async def _take(self, events: list[Event]) -> None:
        await self._flush()
        for event in events:
            if isinstance(event, CloseRequested):
                if self._socket is not None:
                    await self._socket.close(event.code, event.reason)
                return
            if isinstance(event, Opened):
                self._failures = 0
            await self._handle(event)

    async def _flush(self) -> None:
        async with self._flushing:
            if self.session is None or self._socket is None:
                return
            texts, socket = self.session.data_to_send(), self._socket
            for text in texts:
                # Noted first: the answer may come before `send` returns.
                self.journal.note_said(text)
            with suppress(ConnectionClosed):
                for text in texts:
                    await socket.send(text)


class EnvelopeRM(Peer):
    """`executed` counts how often each instruction was carried out, over all its sessions; `done_at_s` when last."""

    role = EnergyManagementRole.RM

    def __init__(self, target: Target, ports: Ports) -> None:
        super().__init__(target, ports)
        self.executed: Counter[str] = Counter()
        self.done_at_s = 0.0
        self._measured = 0

    @property
    def controlled(self) -> bool:
        return self.session is not None and self.session.control_type is _ENVELOPES

    def healthy(self, since_s: float) -> bool:
        """What it said since then counts, and it was told what to do since then, all in its present session."""
        said = self.journal.newest("PowerMeasurement")
        return self.controlled and self.done_at_s >= since_s and said is not None and said.at_s >= since_s

    async def report(self) -> None:
        """A power that it never reports again."""
        if not self.opened:
            return
        self._measured += 1
        value = PowerValue(commodity_quantity=_L1, value=-1000.0 - self._measured)
        await self.say(PowerMeasurement(message_id=new_id(), measurement_timestamp=datetime.now(UTC), values=(value,)))

    async def offer(self) -> None:
        """New constraints in place of the present ones, which its energy manager answers with an instruction."""
        if self.controlled:
            await self.say(constraints())

    async def _handle(self, event: Event) -> None:
        match event:
            case Opened():
                await self.say(details())
            case ControlTypeSelected(control_type=ControlType.POWER_ENVELOPE_BASED_CONTROL):
                await self.say(constraints())
            case MessageReceived(message=PEBCInstruction() as instruction):
                self.executed[instruction.id] += 1
                self.done_at_s = monotonic()
                await self.say(*obedience(instruction.id))
            case _:
                pass


class BuildingCEM(Peer):
    """`issued` are the ids of its instructions."""

    role = EnergyManagementRole.CEM

    def __init__(self, target: Target, ports: Ports) -> None:
        super().__init__(target, ports)
        self.issued: set[str] = set()

    async def _handle(self, event: Event) -> None:
        match event:
            case MessageReceived(message=ResourceManagerDetails()):
                await self.say(SelectControlType(message_id=new_id(), control_type=_ENVELOPES))
            case MessageReceived(message=PEBCPowerConstraints() as offered):
                instruction = pebc_instruction(
                    constraints_id=offered.id,
                    elements=[(timedelta(hours=1), [Envelope(_L1, -PEAK_W / 2, 0.0)])],
                    execution_time=datetime.now(UTC),
                    new_id=new_id,
                )
                self.issued.add(instruction.id)
                await self.say(instruction)
            case _:
                pass


def new_id() -> str:
    return str(uuid4())
