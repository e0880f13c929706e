"""One web request under Daphne, with a bound for its body.

Daphne hands a request to the application once its body is here, and until then writes it to a temporary file. So the
bound of `flexhub.request_size`, which an application may only count with, comes too late: whoever likes could fill the
disk without as much as a name. Here the request is refused as soon as it says that it is too large, or is.

The answer goes out at once. What the peer goes on sending is read for a while and dropped: a connection that is closed
on unread data is reset, and with it goes the answer.
"""

from __future__ import annotations

import asyncio
from io import BytesIO
from typing import Any

from daphne.http_protocol import WebRequest

from flexhub.request_size import TOO_LARGE

# How long the peer may take to read the answer and hang up.
_LINGER_S = 5

_ANSWER = (
    b"HTTP/1.1 413 Content Too Large\r\nContent-Type: text/plain; charset=utf-8\r\n"
    b"Content-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(TOO_LARGE), TOO_LARGE)
)


class BoundedRequest(WebRequest):  # type: ignore[misc]  # Daphne ships no types.
    """Refuses a body of more than `server.max_body_bytes`."""

    _came_bytes = 0
    _refused = False
    _hanging_up: asyncio.TimerHandle | None = None

    def gotLength(self, length: int | None) -> None:  # noqa: N802
        """The headers are here. `length` is None for a body in chunks."""
        if length is not None and length > self.server.max_body_bytes:
            self._refuse()
        else:
            super().gotLength(length)

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802
        if self._refused:
            return
        self._came_bytes += len(data)
        if self._came_bytes > self.server.max_body_bytes:
            self.content.close()
            self._refuse()
        else:
            super().handleContentChunk(data)

    def process(self) -> Any:
        """The body is complete. Nobody waits for one that was refused."""
        return None if self._refused else super().process()

    def connectionLost(self, reason: Any) -> None:  # noqa: N802
        if self._hanging_up is not None:
            self._hanging_up.cancel()
        super().connectionLost(reason)

    def _refuse(self) -> None:
        self._refused = True
        self.content = BytesIO()
        # Twisted looks at it next, and would ask for the body.
        self.requestHeaders.removeHeader(b"Expect")
        transport = self.channel.transport
        transport.write(_ANSWER)
        transport.loseWriteConnection()
        self._hanging_up = asyncio.get_running_loop().call_later(_LINGER_S, transport.abortConnection)
