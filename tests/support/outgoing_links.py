"""Links that no peer opens, without a database and without a network: what there is, is listed by the test."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

from flexhub.bus import end_id
from flexhub.gateway.dialer import DialFailed
from flexhub.gateway.registry import RegistryUnavailable
from flexhub.pairing.outgoing import Dialling, Outcome, OutgoingLink
from flexhub.pairing.services import NodeIdentity
from tests.support.gateway_inside import identity


def house_ends(link_id: UUID | None = None) -> tuple[NodeIdentity, NodeIdentity]:
    """The RM and the CEM of a house link."""
    rm, cem, link = uuid4(), uuid4(), link_id or uuid4()
    both: dict[str, Any] = {"link_id": link, "tenant_id": uuid4(), "site_id": uuid4(), "hosted": True}
    return (
        identity(node_id=rm, role="RM", peer_node_id=cem, **both),
        identity(node_id=cem, role="CEM", peer_node_id=rm, device_name="CEM of home", **both),
    )


class ListedLinks:
    """Implements `Registry`.

    Nothing answers while it is `down`, and nothing can be stored unless it `notes`. `token` is an Exception where
    reading it raises that.
    """

    def __init__(self) -> None:
        self.down = False
        self.notes = True
        self.noted: list[Outcome] = []
        self._links: dict[UUID, OutgoingLink] = {}
        self._houses: dict[UUID, tuple[NodeIdentity, NodeIdentity]] = {}
        self._dialled: dict[int, NodeIdentity] = {}
        self.token: str | Exception = "token"
        self.url = "wss://ems.example"

    # -- The test's side ---------------------------------------------------------------------------------------------

    def add_house(self) -> OutgoingLink:
        ends = house_ends()
        link = OutgoingLink(ends[0].link_id, ends[0].link_id, None, 0)
        self._houses[link.link_id] = ends
        return self._add(link)

    def add_dialled(self, role: str = "RM") -> OutgoingLink:
        who = identity(role=role)
        link = OutgoingLink(end_id(who.link_id, role), who.link_id, len(self._dialled) + 1, 1)
        self._dialled[len(self._dialled) + 1] = who
        return self._add(link)

    def change(self, link: OutgoingLink) -> OutgoingLink:
        return self._add(OutgoingLink(link.key, link.link_id, link.dialled_id, link.revision + 1))

    def remove(self, link: OutgoingLink) -> None:
        del self._links[link.key]

    def ends_of(self, link: OutgoingLink) -> tuple[NodeIdentity, NodeIdentity]:
        return self._houses[link.link_id]

    def _add(self, link: OutgoingLink) -> OutgoingLink:
        self._links[link.key] = link
        return link

    # -- The gateway's side ------------------------------------------------------------------------------------------

    async def links(self) -> list[OutgoingLink]:
        self._reach()
        return list(self._links.values())

    async def house(self, link: OutgoingLink) -> tuple[NodeIdentity, NodeIdentity] | None:
        self._reach()
        return self._houses.get(link.link_id) if link.key in self._links else None

    async def dialling(self, link: OutgoingLink) -> Dialling | None:
        self._reach()
        if isinstance(self.token, Exception):
            raise self.token
        if self._links.get(link.key) != link or link.dialled_id is None:
            return None
        return Dialling(self._dialled[link.dialled_id], self.url, self.token)

    async def note(self, outcomes: Sequence[Outcome]) -> None:
        self._reach()
        if not self.notes:
            raise RegistryUnavailable("switched off by the test")
        self.noted += outcomes

    def close(self) -> None:
        """Nothing is held open."""

    def _reach(self) -> None:
        if self.down:
            raise RegistryUnavailable("switched off by the test")


class FakeConnection:
    """A connection to a server elsewhere, and the server's end of it."""

    peer = "198.51.100.1:443"

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.closed = asyncio.Event()
        self._incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def receive(self) -> dict[str, Any]:
        return await self._incoming.get()

    async def send(self, event: Mapping[str, Any]) -> None:
        if event["type"] == "websocket.send":
            self.sent.append(event["text"])
        elif event["type"] == "websocket.close":
            self.hang_up(event["code"], event["reason"])

    async def close(self) -> None:
        self.closed.set()

    def say(self, text: str) -> None:
        self._incoming.put_nowait({"type": "websocket.receive", "text": text})

    def hang_up(self, code: int = 1000, reason: str = "") -> None:
        self._incoming.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})


class FakeDialler:
    """Connects at once, or fails as it is told; `connections` are oldest first. `gate` holds every attempt up."""

    def __init__(self) -> None:
        self.failure: DialFailed | None = None
        self.connections: list[FakeConnection] = []
        self.dialled: list[tuple[str, str]] = []
        self.under_way = self.most_under_way = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def connect(self, url: str, token: str) -> FakeConnection:
        self.dialled.append((url, token))
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            await self.gate.wait()
        finally:
            self.under_way -= 1
        if self.failure is not None:
            raise self.failure
        self.connections.append(FakeConnection())
        return self.connections[-1]

    def close(self) -> None:
        """Nothing is held open."""
