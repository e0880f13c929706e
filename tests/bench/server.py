"""Runs a baseline's application as `manage.py gateway` runs ours: the same server with the same settings."""

from __future__ import annotations

import sys
from typing import Any

from flexhub.gateway.management.commands.gateway import listen
from flexhub.gateway.server import GatewayServer


def serve(application: Any) -> None:
    """On a free port that is told as `listening on ...`, until SIGTERM."""
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        GatewayServer(
            application,
            listening_fd=listener.fileno(),
            max_frame_bytes=1024 * 1024,
            on_ready=lambda: _say(f"listening on http://127.0.0.1:{port}"),
            on_shutdown=_nothing_to_say,
        ).run()


def _say(line: str) -> None:
    # One write, since the log of another thread may come between two.
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def _nothing_to_say() -> None:
    """A baseline has no sessions to end."""
