"""`manage.py gateway`: the web side and the devices' WebSockets in one Daphne process."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from argparse import ArgumentParser

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

# Connections that the kernel holds while we are busy; a herd of devices reconnects at once after an outage.
_BACKLOG = 2_048


class Command(BaseCommand):
    help = "Serves HTTP and the S2 WebSockets until it gets SIGTERM or SIGINT."
    # They judge the code and not the machine, so they belong in the build; here they would only delay a restart.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)")
        parser.add_argument("--port", type=int, default=8000, help="the port; 0 takes a free one (default: 8000)")

    def handle(self, *, host: str, port: int, **_: object) -> None:
        # First of all: after a crash the devices that come back wait for us, instead of being refused and backing off.
        listener = listen(host, port)
        address, bound_port = listener.getsockname()[:2]
        # Daphne installs Twisted's reactor when it is imported, and the application sets Django up.
        # Django knows the application by name only: it lies above the gateway.
        from channels.routing import get_default_application

        from flexhub.gateway import routes
        from flexhub.gateway.server import GatewayServer

        def ready() -> None:
            self.stdout.write(f"listening on http://{address}:{bound_port} (pid {os.getpid()})")
            # Under Daphne the loop is set and does not run yet.
            asyncio.get_event_loop().call_soon(routes.start_up)

        server = GatewayServer(
            get_default_application(),
            listening_fd=listener.fileno(),
            max_frame_bytes=settings.S2_MAX_FRAME_BYTES,
            on_ready=ready,
            on_shutdown=routes.shut_down,
        )
        with listener:
            server.run()


def listen(host: str, port: int) -> socket.socket:
    """A listening TCP socket, opened before anything else starts so that its trouble is told in one line.

    Raises CommandError.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise CommandError(f"Port {port} on {host} is in use; choose another one with --port.") from error
        raise CommandError(f"Cannot listen on {host} port {port}: {error.strerror or error}.") from error
