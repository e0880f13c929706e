"""The socket of one device: dials the hub, feeds the conversation, dials again when the connection is gone."""

from __future__ import annotations

import asyncio
import inspect
import logging
import random
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from flexhub.clock import Clock
from flexhub.demo.rm.conversation import Conversation
from flexhub.demo.rm.resource import Resource
from flexhub.demo.rm.timing import utc
from s2.events import CloseRequested

log = logging.getLogger(__name__)

# What S2 Connect recommends is random(0, min(600 s, 2 s * 2^n)); a demo should not be waited for that long.
FIRST_DELAY_S, LONGEST_DELAY_S = 2.0, 5.0
OPEN_TIMEOUT_S, CLOSE_TIMEOUT_S, ACK_TIMEOUT_S = 10.0, 1.0, 10.0
RETRY_DELAYS_S = (1.0, 2.0, 4.0)
MAX_FRAME_BYTES = 1 << 20
# More unsent texts than this mean that the hub reads nothing any more.
OUTBOX_LIMIT = 2000
# A device whose energy manager is gone this long, in simulated time, goes back to its own behaviour.
GRACE_S = 120.0
GOING_AWAY = 1001
# Newer versions of the library would send loopback traffic to a proxy that the environment names.
_NO_PROXY: dict[str, Any] = {"proxy": None} if "proxy" in inspect.signature(connect.__init__).parameters else {}


class World(Protocol):
    """The physics, as far as a conversation needs it brought up to date."""

    time_s: float

    def advance(self, to_s: float) -> None: ...

    def look(self) -> None: ...


class Client:
    """One device's connection, over and over. `wake` is called when an order may have changed the home's power."""

    def __init__(
        self, resource: Resource, url: str, token: str, clock: Clock, world: World, wake: Callable[[], None]
    ) -> None:
        self.resource = resource
        self.conversation: Conversation | None = None
        self.connections = 0
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"}
        self._clock = clock
        self._world = world
        self._wake = wake
        self._outbox: deque[str] = deque()
        self._outgoing = asyncio.Event()
        self._socket: ClientConnection | None = None
        self._hanging_up: asyncio.Task[None] | None = None
        self._uncontrolled_since_s = 0.0

    @property
    def connected(self) -> bool:
        return self.conversation is not None

    async def run(self) -> None:
        """Stay connected until cancelled."""
        failures = 0
        while True:
            connections = self.connections
            try:
                await self._connect()
            except (OSError, TimeoutError, WebSocketException) as error:
                if failures == 0:
                    log.warning("%s: no connection: %s", self.resource.identity.name, error)
            failures = failures + 1 if connections == self.connections else 0
            longest_s = min(LONGEST_DELAY_S, FIRST_DELAY_S * 2**failures)
            await asyncio.sleep(random.uniform(0, longest_s))  # noqa: S311 - Spreads reconnects, hides nothing.

    async def close(self) -> None:
        """Tell the hub that this device goes away."""
        if self._socket is not None:
            await self._socket.close(GOING_AWAY, "the device is switched off")

    def tick(self, at_s: float) -> None:
        """Say what is due; the physics has been brought to `at_s`."""
        if self.conversation is not None:
            self.conversation.tick(utc(at_s))
            self._flush()
        if self.conversation is not None and self.conversation.controlling:
            self._uncontrolled_since_s = at_s
        elif self.resource.controlled and at_s >= self._uncontrolled_since_s + GRACE_S:
            log.info("%s: back to its own behaviour", self.resource.identity.name)
            self.resource.release(at_s)

    def next_due_s(self) -> float | None:
        return None if self.conversation is None else self.conversation.next_due_s()

    async def _connect(self) -> None:
        async with connect(
            self._url,
            additional_headers=self._headers,
            open_timeout=OPEN_TIMEOUT_S,
            close_timeout=CLOSE_TIMEOUT_S,
            max_size=MAX_FRAME_BYTES,
            compression=None,
            **_NO_PROXY,
        ) as socket:
            conversation = self._begin(socket)
            writer = asyncio.create_task(self._write(socket))
            try:
                await self._read(socket, conversation)
            finally:
                writer.cancel()
                self._socket = self.conversation = None
                self.resource.forget_instructions()

    def _begin(self, socket: ClientConnection) -> Conversation:
        self._socket, self._hanging_up = socket, None
        self._outbox.clear()
        self.connections += 1
        if self.connections > 1:
            log.warning("%s: connected again", self.resource.identity.name)
        self.conversation = conversation = Conversation(
            self.resource,
            ack_timeout=self._clock.duration_of(ACK_TIMEOUT_S),
            retry_delays=[self._clock.duration_of(delay_s) for delay_s in RETRY_DELAYS_S],
        )
        conversation.start(utc(self._now_s()))
        self._flush()
        return conversation

    async def _read(self, socket: ClientConnection, conversation: Conversation) -> None:
        try:
            while True:
                self._take(await socket.recv(), conversation)
        except ConnectionClosed as closed:
            log.info("%s: connection closed: %s", self.resource.identity.name, closed)

    def _take(self, frame: str | bytes, conversation: Conversation) -> None:
        at_s = self._now_s()
        self._world.advance(at_s)
        if isinstance(frame, str):
            conversation.receive_text(frame, utc(at_s))
        else:
            conversation.receive_bytes(frame, utc(at_s))
        if conversation.ordered:
            conversation.ordered = False
            self._uncontrolled_since_s = at_s
            self._world.look()
            self._wake()
        self._flush()

    def _now_s(self) -> float:
        return max(self._clock.now().timestamp(), self._world.time_s)

    def _flush(self) -> None:
        if self.conversation is None or self._socket is None:
            return
        texts = self.conversation.data_to_send()
        if texts:
            self._outbox.extend(texts)
            self._outgoing.set()
        over = self.conversation.close
        if over is None and len(self._outbox) > OUTBOX_LIMIT:
            over = CloseRequested(1008, "the hub does not read")
        if over is not None and self._hanging_up is None:
            self._hanging_up = asyncio.create_task(self._hang_up(self._socket, over))

    async def _hang_up(self, socket: ClientConnection, over: CloseRequested) -> None:
        """Send what the session still had to say, if the hub takes it in time, and close; `_read` then ends."""
        with suppress(TimeoutError, ConnectionClosed):
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self._drain(socket)
        await socket.close(over.code, over.reason)

    async def _write(self, socket: ClientConnection) -> None:
        try:
            while True:
                await self._outgoing.wait()
                self._outgoing.clear()
                await self._drain(socket)
        except ConnectionClosed:
            return

    async def _drain(self, socket: ClientConnection) -> None:
        while self._outbox:
            await socket.send(self._outbox.popleft())
