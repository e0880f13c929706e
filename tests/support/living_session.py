"""A session that lives in a gateway of memory, to see whether something ends it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from flexhub.bus import SeatInfo
from flexhub.bus.memory import MemoryGatewayBus, MemoryWorkerBus
from flexhub.bus.memory_store import MemoryStore
from tests.support.registry import Household


class LivingSession:
    """Holds the seat of the household's link and takes the place of Redis for the registry."""

    def __init__(self, household: Household, monkeypatch: pytest.MonkeyPatch) -> None:
        store = MemoryStore()
        self._gateway = MemoryGatewayBus(store)
        link = household.link
        seat = SeatInfo(
            link_id=link.pk,
            tenant_id=household.tenant.pk,
            site_id=household.site.pk,
            node_id=household.rm_node.pk,
            name="battery",
            since=datetime(2026, 4, 21, 10, tzinfo=UTC),
        )
        asyncio.run(self._sit_down(seat))
        bus = MemoryWorkerBus(store)
        monkeypatch.setattr("flexhub.devices.sessions.connect_worker", lambda url: bus)

    async def _sit_down(self, seat: SeatInfo) -> None:
        await self._gateway.register("gateway-1")
        await self._gateway.claim_seat(seat)

    def reasons_to_close(self) -> list[str]:
        return [reason for reason, _ in self.told_to_close()]

    def told_to_close(self) -> list[tuple[str, str]]:
        """The reasons, each with the id of the token that has to have opened the session; that may be empty."""
        envelopes = asyncio.run(self._gateway.read_inbox(block_ms=0))
        return [(envelope.payload, envelope.message_id) for envelope in envelopes if envelope.kind == "close"]
