"""The baseline of a session: a bare Channels consumer that echoes text."""

from __future__ import annotations

from channels.generic.websocket import AsyncWebsocketConsumer

from tests.bench.server import serve


class Echo(AsyncWebsocketConsumer):  # type: ignore[misc]  # Channels ships no types.
    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        await self.send(text_data=text_data)


if __name__ == "__main__":
    import django

    django.setup()
    serve(Echo.as_asgi())
