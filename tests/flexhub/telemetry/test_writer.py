from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from flexhub.bus import Batch, TelemetryRow
from flexhub.bus.memory import MemoryGatewayBus, MemoryWorkerBus
from flexhub.bus.memory_store import MemoryStore
from flexhub.telemetry import writer
from flexhub.telemetry.models import Measurement
from tenants.scope import platform_scope, tenant_scope
from tests.support.links import ALDER, AT, a_seat
from tests.support.registry import query

pytestmark = pytest.mark.django_db

BIRCH = UUID("b19c0000-0000-4000-8000-000000000002")
LINK = UUID("11000000-0000-4000-8000-000000000003")
RETENTION = timedelta(days=30)


def a_row(at: datetime = AT, value: float = 1.0, tenant_id: UUID = ALDER) -> TelemetryRow:
    return TelemetryRow(tenant_id, uuid4(), LINK, "ELECTRIC.POWER.L1", at, value)


def store(*rows: TelemetryRow) -> int:
    return writer.store(rows, now=AT, retention=RETENTION)


def stored_values() -> list[float]:
    with platform_scope("test"):
        return list(Measurement.objects.order_by("at").values_list("value", flat=True))


def partitions() -> list[str]:
    children = query(
        "SELECT c.relname FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid "
        "WHERE inhparent = 'telemetry_measurement'::regclass ORDER BY 1"
    )
    return [name for (name,) in children]


def test_stores_rows_each_in_the_partition_of_its_day() -> None:
    midnight = datetime(2026, 4, 21, tzinfo=UTC)

    new = store(a_row(midnight, -1.5), a_row(midnight - timedelta(microseconds=1), 2.0))

    assert new == 2
    assert stored_values() == [2.0, -1.5]
    assert partitions() == ["telemetry_measurement_20260420", "telemetry_measurement_20260421"]


def test_a_row_that_comes_twice_is_stored_once() -> None:
    first = store(a_row(value=1.0), a_row(value=1.0))
    second = store(a_row(value=9.0))

    assert (first, second) == (1, 0)
    assert stored_values() == [1.0]


def test_times_of_nonsense_make_no_partitions() -> None:
    new = store(a_row(AT - timedelta(days=32)), a_row(datetime(9999, 1, 1, tzinfo=UTC)), a_row(AT + timedelta(hours=1)))

    assert new == 1
    assert partitions() == ["telemetry_measurement_20260421"]


def test_nothing_to_store_is_no_transaction(django_assert_num_queries: object) -> None:
    assert store() == 0


def test_a_tenant_sees_its_own_rows_only() -> None:
    store(a_row(value=1.0), a_row(AT + timedelta(seconds=1), 2.0, BIRCH))

    with tenant_scope(BIRCH):
        seen = list(Measurement.objects.values_list("value", flat=True))

    assert seen == [2.0]
    assert query("SELECT 1 FROM telemetry_measurement") == []


def test_drops_only_days_beyond_the_retention_time() -> None:
    store(a_row(AT - timedelta(days=3)), a_row(AT - timedelta(days=2)), a_row(AT))

    dropped = writer.drop_old_partitions(now=AT, retention=timedelta(days=2))

    assert dropped == 1
    assert partitions() == ["telemetry_measurement_20260419", "telemetry_measurement_20260421"]


async def a_bus_with(values: int, *others: tuple[str, datetime]) -> MemoryWorkerBus:
    bus_store = MemoryStore()
    gateway, seat, batch = MemoryGatewayBus(bus_store), a_seat(), Batch()
    await gateway.register("one")
    for number in range(values):
        batch.measure(seat, "ELECTRIC.POWER.L1", AT + timedelta(seconds=number), float(number))
    for quantity, at in others:
        batch.measure(seat, quantity, at, 9.0)
    await gateway.write(batch)
    return MemoryWorkerBus(bus_store)


@pytest.fixture
def bus() -> MemoryWorkerBus:
    return asyncio.run(a_bus_with(3))


def test_drains_the_stream(bus: MemoryWorkerBus) -> None:
    stored = writer.drain(bus, now=AT, retention=RETENTION)

    assert stored == 3
    assert stored_values() == [0.0, 1.0, 2.0]
    assert not bus.take_telemetry()


def test_rows_that_cannot_be_stored_hold_up_no_others() -> None:
    no_zone = datetime(2026, 4, 21, 12)  # noqa: DTZ001 - Its fault.
    bus = asyncio.run(a_bus_with(3, ("x" * 65, AT), ("with\0NUL", AT), ("no zone", no_zone)))

    stored = writer.drain(bus, now=AT, retention=RETENTION)

    assert stored == 3
    assert stored_values() == [0.0, 1.0, 2.0]
    assert not bus.take_telemetry()
    entries = bus.poison().entries
    assert [(entry.source, entry.text.split("\t")[3]) for entry in entries] == [
        ("telemetry", "no zone"),
        ("telemetry", "with\0NUL"),
        ("telemetry", "x" * 65),
    ]
    assert entries[2].reason.startswith("DataError: value too long")


def test_rows_stay_in_the_stream_when_the_database_fails(bus: MemoryWorkerBus, monkeypatch: pytest.MonkeyPatch) -> None:
    confirmed: list[object] = []
    monkeypatch.setattr(bus, "confirm_telemetry", confirmed.append)
    monkeypatch.setattr(writer, "_COPY", "COPY nowhere FROM STDIN")

    with pytest.raises(Exception, match="nowhere"):
        writer.drain(bus, now=AT, retention=RETENTION)

    assert confirmed == []
