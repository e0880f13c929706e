"""The baselines of the relay: bare Channels consumers that pass on text between the two sockets of a link.

`python -m tests.bench.forward memory` hands it over inside the process, `... pubsub` through a group of
`channels_redis.pubsub` for each end. Both run under the very server that the gateway runs under, and judge nothing.
"""

from __future__ import annotations

import sys
from typing import Any, ClassVar

from channels.generic.websocket import AsyncWebsocketConsumer

from tests.bench.server import serve


def other(end: str) -> str:
    """The path of the far end: those of a link end in `/rm` and `/cem`."""
    link, _, role = end.rpartition("/")
    return f"{link}/{'cem' if role == 'rm' else 'rm'}"


class InMemory(AsyncWebsocketConsumer):  # type: ignore[misc]  # Channels ships no types.
    ends: ClassVar[dict[str, InMemory]] = {}

    async def connect(self) -> None:
        self.ends[self.scope["path"]] = self
        self.far = other(self.scope["path"])
        await self.accept()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        await self.ends[self.far].send(text_data=text_data)

    async def disconnect(self, code: int) -> None:
        del self.ends[self.scope["path"]]


class ThroughGroups(AsyncWebsocketConsumer):  # type: ignore[misc]  # As above.
    async def connect(self) -> None:
        path = self.scope["path"]
        self.group, self.far = (end.replace("/", ".") for end in (path, other(path)))
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        await self.channel_layer.group_send(self.far, {"type": "relayed", "text": text_data})

    async def relayed(self, event: dict[str, Any]) -> None:
        await self.send(text_data=event["text"])

    async def disconnect(self, code: int) -> None:
        await self.channel_layer.group_discard(self.group, self.channel_name)


def main() -> None:
    if sys.argv[1] == "memory":
        serve(InMemory.as_asgi())
        return
    from channels.layers import channel_layers
    from channels_redis.pubsub import RedisPubSubChannelLayer
    from django.conf import settings

    channel_layers.set("default", RedisPubSubChannelLayer(hosts=[settings.REDIS_URL]))
    serve(ThroughGroups.as_asgi())


if __name__ == "__main__":
    import django

    django.setup()
    main()
