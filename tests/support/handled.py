"""A seat on a bus in memory, whose messages go the way of the gateway's."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from flexhub.bus import Batch, Snapshot
from flexhub.bus.memory import MemoryGatewayBus, MemoryWorkerBus
from flexhub.bus.memory_store import MemoryStore
from flexhub.gateway.handlers import Turn, handle
from flexhub.gateway.seats import Seat
from s2.messages import (
    ControlType,
    Message,
    PEBCPowerConstraints,
    PEBCPowerEnvelopeConsequenceType,
    PEBCPowerEnvelopeLimitType,
    dump_message,
)
from s2.strictness import STRICT, Strictness
from s2.versions import WireProfile
from tests.support.gateway_inside import NOW, controlled_seat
from tests.support.resources import allowed, battery_description, new_id, store_messages


class Hub:
    """One seat on a bus in memory."""

    def __init__(self, seat: Seat, bus: MemoryGatewayBus, store: MemoryStore) -> None:
        self.seat = seat
        self.bus = bus
        self.store = store
        self.worker = MemoryWorkerBus(store)

    async def hear(self, *messages: Message | dict[str, Any] | str) -> Batch:
        """What one turn of the loop makes of these frames; it is also written."""
        batch = Batch()
        for message in messages:
            text = text_of(message)
            events = self.seat.session.receive_text(text, NOW)
            handle(Turn(self.seat, batch, NOW, text), events)
        await self.bus.write(batch)
        return batch

    async def write(self, batch: Batch) -> None:
        assert not (await self.bus.write(batch)).lost

    @property
    def snapshot(self) -> Snapshot:
        link_id = self.seat.info.link_id
        snapshot = self.worker.snapshots([link_id])[link_id]
        assert snapshot is not None
        return snapshot


def text_of(message: Message | dict[str, Any] | str) -> str:
    if isinstance(message, str):
        return message
    return json.dumps(message) if isinstance(message, dict) else dump_message(message, WireProfile.V1_0_0)


async def hub_under(control_type: ControlType, strictness: Strictness = STRICT) -> Hub:
    store = MemoryStore()
    bus = MemoryGatewayBus(store)
    await bus.register("process")
    seat = controlled_seat(control_type, 0, strictness=strictness)
    seat.token = await bus.claim_seat(seat.info)
    hub = Hub(seat, bus, store)
    batch = Batch()
    seat.fold(batch, "profile", "1.0.0")
    await hub.write(batch)
    return hub


def battery() -> list[Any]:
    """A description, and statuses that go with it."""
    return store_messages(
        battery_description(), levels=(0.0, 10.0), level=5.0, active=[("actuator", "idle", 0.0)], now=NOW
    )


def constraints(constraints_id: str, valid_for: timedelta) -> PEBCPowerConstraints:
    return PEBCPowerConstraints(
        message_id=new_id(),
        id=constraints_id,
        valid_from=NOW - timedelta(hours=1),
        valid_until=NOW + valid_for,
        consequence_type=PEBCPowerEnvelopeConsequenceType.VANISH,
        allowed_limit_ranges=(
            allowed(PEBCPowerEnvelopeLimitType.LOWER_LIMIT, -6000.0, 0.0),
            allowed(PEBCPowerEnvelopeLimitType.UPPER_LIMIT, 0.0, 0.0),
        ),
    )
