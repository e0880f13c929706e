"""Sessions and conversations in memory, under pages that believe they read Redis."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from flexhub.bus import Batch, SeatInfo, TenantUse, end_id
from flexhub.bus.memory import MemoryGatewayBus, MemoryWorkerBus
from flexhub.bus.memory_store import MemoryStore
from flexhub.bus.snapshot import CONTROL_TYPE_FIELD, PROFILE_FIELD, RELEASED_FIELD
from tests.support.registry import Household, make_household

AT = datetime(2026, 4, 21, 9, 30, tzinfo=UTC)


class Seats:
    """What gateway processes tell the bus."""

    def __init__(self) -> None:
        store = MemoryStore()
        self._gateway = MemoryGatewayBus(store)
        self.bus = MemoryWorkerBus(store)
        self._tokens: dict[Any, int] = {}
        asyncio.run(self._gateway.register("gateway-1"))

    def sit_down(
        self,
        household: Household,
        *,
        name: str = "battery",
        control_type: str | None = None,
        peer: str = "RM",
        released: str | None = None,
    ) -> None:
        """`peer` is whom the session is with."""
        link_id = end_id(household.link.pk, peer)
        seat = SeatInfo(
            link_id=link_id,
            tenant_id=household.tenant.pk,
            site_id=household.site.pk,
            node_id=household.cem_node.pk if peer == "CEM" else household.rm_node.pk,
            name=name,
            since=AT,
            peer="192.0.2.7:50123",
        )
        self._tokens[link_id] = asyncio.run(self._gateway.claim_seat(seat))
        batch = Batch()
        batch.fold(link_id, self._tokens[link_id], PROFILE_FIELD, "1.0.0")
        if control_type is not None:
            batch.fold(link_id, self._tokens[link_id], CONTROL_TYPE_FIELD, control_type)
        if released is not None:
            batch.fold(link_id, self._tokens[link_id], RELEASED_FIELD, released)
        asyncio.run(self._gateway.write(batch))

    def use(self, use: Mapping[UUID, TenantUse]) -> None:
        asyncio.run(self._gateway.tell_use(use))

    def say(
        self,
        household: Household,
        direction: Any,
        message: Any,
        *,
        status: Any = None,
        findings: Any = (),
        peer: str = "RM",
        at: datetime = AT,
    ) -> None:
        text = json.dumps(message) if isinstance(message, Mapping) else message
        batch = Batch()
        link_id = end_id(household.link.pk, peer)
        batch.log(link_id, self._tokens[link_id], direction, at, text, status=status, findings=findings)
        asyncio.run(self._gateway.write(batch))


@pytest.fixture
def seats(monkeypatch: pytest.MonkeyPatch) -> Seats:
    seats = Seats()
    for module in ("views", "dashboard", "support", "quota_page"):
        monkeypatch.setattr(f"flexhub.portal.{module}.connect_worker", lambda url: seats.bus)
    return seats


@pytest.fixture
def alder(db: None) -> Household:
    return make_household("Alder")


@pytest.fixture
def redis_down(settings: Any) -> None:
    """Nobody listens on port 1."""
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
