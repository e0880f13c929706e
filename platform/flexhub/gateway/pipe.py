"""A socket that is none: joins the two seats of a house link, in memory.

Each end looks like an ASGI server's side of a WebSocket. What differs is that nobody ever waits to send. Two sockets
whose buffers are full of each other's answers stand still for ever, and with one loop for both sides we could not even
read meanwhile. It needs no waiting either: a session has at most 256 messages without an answer and refuses more (that
is the back-pressure that workers feel), and answers are as many as the messages they answer. So a direction that holds
more than that has a broken end, and the pipe breaks.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import Any

from flexhub.gateway import limits

_NOT_TAKEN = "it did not take in what was sent to it"


class PipeEnd:
    """What one seat holds of the pipe: `receive` and `send` are its socket's."""

    __slots__ = ("_arrived", "_characters", "_end", "_frames", "_max_bytes", "_other")

    _other: PipeEnd

    def __init__(self, max_frame_bytes: int) -> None:
        self._max_bytes = max_frame_bytes
        self._frames: deque[str] = deque()
        self._characters = 0
        self._end: dict[str, Any] | None = None
        self._arrived: asyncio.Future[None] | None = None

    async def receive(self) -> dict[str, Any]:
        """The next frame, then how it ended. For one reader."""
        # As with a socket others have their turn between two frames, however many wait here.
        await asyncio.sleep(0)
        while not self._frames and self._end is None:
            self._arrived = asyncio.get_running_loop().create_future()
            await self._arrived
        if self._frames:
            text = self._frames.popleft()
            self._characters -= len(text)
            return {"type": "websocket.receive", "text": text}
        assert self._end is not None  # noqa: S101 - What the loop above waited for.
        return self._end

    async def send(self, event: Mapping[str, Any]) -> None:
        if event["type"] == "websocket.send":
            self._other.put(event["text"])
        elif event["type"] == "websocket.close":
            self.close(event.get("code", 1000), event.get("reason", ""))

    def close(self, code: int, reason: str) -> None:
        """Both ends learn how it ended, after the frames that were there before. The first word counts."""
        for end in (self, self._other):
            if end._end is None:  # noqa: SLF001 - It is one pipe.
                end._end = {"type": "websocket.disconnect", "code": code, "reason": reason}  # noqa: SLF001
                end._notify()  # noqa: SLF001

    def put(self, text: str) -> None:
        """A frame for this end's reader; dropped once the pipe is closed, as on a wire."""
        if self._end is not None:
            return
        if self._is_too_big(text):
            self.close(limits.CLOSE_TOO_BIG, "message too big")
        elif len(self._frames) >= limits.PIPE_FRAMES or self._characters + len(text) > limits.PIPE_CHARACTERS:
            self.close(limits.CLOSE_ABNORMAL, _NOT_TAKEN)
        else:
            self._frames.append(text)
            self._characters += len(text)
            self._notify()

    def _is_too_big(self, text: str) -> bool:
        # A character has four bytes at most, so few texts have to be encoded to be measured.
        return 4 * len(text) > self._max_bytes and len(text.encode()) > self._max_bytes

    def _notify(self) -> None:
        if self._arrived is not None and not self._arrived.done():
            self._arrived.set_result(None)
        self._arrived = None


def pipe(max_frame_bytes: int) -> tuple[PipeEnd, PipeEnd]:
    """The two ends of a new one."""
    left, right = PipeEnd(max_frame_bytes), PipeEnd(max_frame_bytes)
    left._other, right._other = right, left  # noqa: SLF001 - It is one pipe.
    return left, right
