"""The flow of one socket under Twisted, both ways.

We do not read while the peer leaves our answers unread, or while its application is behind; and the application that
sends waits while the peer does not read. So a peer that only sends fills its own memory and not ours.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any


class Flow:
    """Also Twisted's IPushProducer: told when the socket's send buffer (64 KiB) is full, and when it is empty again."""

    __slots__ = ("_transport", "_unread_since_s", "_writable", "behind")

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self._unread_since_s: float | None = None
        self._writable: asyncio.Future[None] | None = None
        self.behind = False

    def write(self, data: bytes) -> None:
        """To the kernel at once, where nothing waits in front of it.

        Twisted's own write waits for the reactor's next turn, and tells the kernel twice to watch the socket; for the
        short answers that we send this costs more than sending does.
        """
        transport = self._transport
        waits = transport.dataBuffer or transport._tempDataBuffer  # noqa: SLF001  # Twisted has no public word for it.
        if transport.connected and not transport.disconnecting and not waits:
            sent = transport.writeSomeData(data)
            # An error is found again by the reactor, which then ends the connection.
            if not isinstance(sent, Exception):
                data = data[sent:]
        if data:
            transport.write(data)

    def is_stuck(self, now_s: float, patience_s: float) -> bool:
        """Whether the peer has left our answers unread for so long."""
        return self._unread_since_s is not None and now_s - self._unread_since_s >= patience_s

    async def writable(self) -> None:
        """Wait until there is room to send, or nobody left to send to."""
        if self._unread_since_s is not None:
            if self._writable is None:
                self._writable = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._writable)

    def fall_behind(self) -> None:
        if not self.behind:
            self.behind = True
            self._transport.pauseProducing()

    def catch_up(self) -> None:
        self.behind = False
        self._read_on()

    def pauseProducing(self) -> None:  # noqa: N802
        # Called with each write to a full buffer.
        if self._unread_since_s is None:
            self._unread_since_s = time.monotonic()
            self._transport.pauseProducing()

    def resumeProducing(self) -> None:  # noqa: N802
        self.stopProducing()
        self._read_on()

    def stopProducing(self) -> None:  # noqa: N802
        """The buffer is empty, or the connection lost: nobody has to wait any more."""
        self._unread_since_s = None
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    def _read_on(self) -> None:
        if not self.behind and self._unread_since_s is None:
            self._transport.resumeProducing()
