"""A way to a server that can be cut as by a broken cable: nothing passes any more, and nobody is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class BlackHole:
    """Forwards TCP from its own `port` to another. What connects after a cut passes."""

    def __init__(self, to_port: int) -> None:
        self.port = 0
        self._to_port = to_port
        self._ways: list[_Way] = []

    def cut(self) -> None:
        """Let nothing of the present connections pass, not even their ends."""
        for way in self._ways:
            way.cut()

    def close(self) -> None:
        for way in self._ways:
            way.close()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._to_port)
        except OSError:
            writer.transport.abort()
            return
        self._ways.append(_Way((reader, writer), (far_reader, far_writer)))


_Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class _Way:
    def __init__(self, near: _Ends, far: _Ends) -> None:
        self._writers = (near[1], far[1])
        self._pumps = [
            asyncio.create_task(self._pump(near[0], far[1])),
            asyncio.create_task(self._pump(far[0], near[1])),
        ]

    def cut(self) -> None:
        """Both sockets stay open, and unread once their buffers are full."""
        for pump in self._pumps:
            pump.cancel()
        for writer in self._writers:
            transport = writer.transport
            with suppress(RuntimeError):  # It is closing, or paused by its reader already.
                if isinstance(transport, asyncio.Transport):
                    transport.pause_reading()

    def close(self) -> None:
        self.cut()
        for writer in self._writers:
            writer.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        for each in self._writers:
            each.close()


@asynccontextmanager
async def black_hole(to_port: int) -> AsyncIterator[BlackHole]:
    hole = BlackHole(to_port)
    server = await asyncio.start_server(hole._forward, "127.0.0.1", 0)
    hole.port = server.sockets[0].getsockname()[1]
    try:
        yield hole
    finally:
        server.close()
        hole.close()
