"""The ASGI server that carries the gateway: Daphne, or uvicorn where the setting S2_SERVER says so.

The application only uses ASGI. What both servers promise beyond it, and each of them does with some help of ours:

* a connection that asks for nothing for 10 s is closed;
* a web request of more than DATA_UPLOAD_MAX_MEMORY_SIZE is answered 413 without being taken in;
* 401, 404, 409, 429 and 503 before the upgrade, with a text that says why, within 12 s in any case;
* a frame above the limit is answered by closing with 1009, and the application learns why;
* a ping every 30 s; a peer that answers none for 70 s is cut off, whatever else it sends;
* a peer that leaves our answers unread for 60 s is cut off; until then we do not read from it either;
* permessage-deflate with a small window and nothing kept between messages;
* on SIGTERM: not ready at once, no new sessions, a goodbye to each session, exit code 0.

Any other ASGI server can run `flexhub.asgi:application`; it then gives what it gives of these by itself.
"""

from __future__ import annotations

import gc
import resource
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from django.conf import settings

from flexhub.gateway.limits import GC_THRESHOLDS, PATIENCE, Patience
from flexhub.gateway.refusals import Receive, Scope, Send
from flexhub.observability import health, logs


class Runs(Protocol):
    def run(self) -> None:
        """Serve until SIGTERM or SIGINT."""
        ...


@dataclass(frozen=True, slots=True)
class GatewayServer:
    """An ASGI application on one inherited listening socket.

    `on_ready` is called before the first connection, `on_shutdown` while whoever connects is still answered.
    """

    application: Callable[[Scope, Receive, Send], Awaitable[None]]
    listening_fd: int
    max_frame_bytes: int
    on_ready: Callable[[], None]
    on_shutdown: Callable[[], Awaitable[None]]
    patience: Patience = PATIENCE

    def run(self) -> None:
        """Serve until SIGTERM or SIGINT."""
        make_room()
        self._server()(
            self.application,
            listening_fd=self.listening_fd,
            max_frame_bytes=self.max_frame_bytes,
            deflate=settings.S2_DEFLATE,
            patience=self.patience,
            on_ready=self.on_ready,
            on_shutdown=self._shut_down,
        ).run()

    def _server(self) -> Callable[..., Runs]:
        # Each server is loaded where it is used: Daphne brings Twisted, and takes hold of the event loop.
        if settings.S2_SERVER == "uvicorn":
            from flexhub.gateway.uvicorn_server import UvicornServer

            return UvicornServer
        from flexhub.gateway.daphne_server import DaphneServer

        return DaphneServer

    async def _shut_down(self) -> None:
        health.begin_draining()
        await self.on_shutdown()


def make_room() -> None:
    """Prepare this process for thousands of sockets: a file descriptor each, and some hundred objects each.

    The limit on files goes as far up as it may. What is loaded by now stays, so the garbage collector need not look at
    it again; and it looks less often, since sessions come by the thousand and each would count as a reason to look at
    all of them. And no log line holds them up.
    """
    logs.never_wait()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
