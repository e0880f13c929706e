"""The baseline: a bare Channels consumer that echoes text, under the very server that the gateway runs under."""

from __future__ import annotations

from channels.generic.websocket import AsyncWebsocketConsumer
from daphne.server import Server  # noqa: F401  # Installs Twisted's reactor before anything else asks for one.

from flexhub.gateway.management.commands.gateway import listen
from flexhub.gateway.server import GatewayServer


class Echo(AsyncWebsocketConsumer):  # type: ignore[misc]  # Channels ships no types.
    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        await self.send(text_data=text_data)


async def _nothing_to_say() -> None:
    """An echo has no sessions to end."""


def main() -> None:
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        GatewayServer(
            Echo.as_asgi(),
            listening_fd=listener.fileno(),
            max_frame_bytes=1024 * 1024,
            on_ready=lambda: print(f"listening on http://127.0.0.1:{port}", flush=True),  # noqa: T201  # For the bench.
            on_shutdown=_nothing_to_say,
        ).run()


if __name__ == "__main__":
    import django

    django.setup()
    main()
