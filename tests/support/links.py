"""Sessions and rows to write to the bus."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID, uuid4

from flexhub.bus import LedgerRow, SeatInfo

AT = datetime(2026, 4, 21, 10, 0, 0, 250_000, tzinfo=UTC)
ALDER = UUID("a1de0000-0000-4000-8000-000000000001")


def a_seat(name: str = "Battery", *, link_id: UUID | None = None) -> SeatInfo:
    return SeatInfo(
        link_id=link_id or uuid4(),
        tenant_id=ALDER,
        site_id=uuid4(),
        node_id=uuid4(),
        name=name,
        since=AT,
        peer="127.0.0.1:50000",
    )


def a_ledger_row(seat: SeatInfo, instruction_id: str = "instruction-1") -> LedgerRow:
    return LedgerRow(
        tenant_id=seat.tenant_id,
        link_id=seat.link_id,
        instruction_id=instruction_id,
        at=AT,
        status="SUCCEEDED",
        reception=None,
        findings=({"rule": "R-20", "text": "späť"},),
    )
