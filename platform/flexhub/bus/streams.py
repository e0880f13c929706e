"""The rows that flow through streams, and how they are written there.

Telemetry is text, one row a line, because it is made on the hot path and read in bulk. The rest is JSON.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar
from uuid import UUID

logger = logging.getLogger(__name__)

Row = TypeVar("Row")
Direction = Literal["received", "sent"]
Finding = Mapping[str, object]  # What `s2.findings.Finding.as_dict` returns.

# A frame may be 1 MiB; a log of 500 such per link would fill Redis. 8 KiB shows every message of ordinary size whole.
LOG_TEXT_LIMIT = 8 * 1024
# Rows per stream entry: enough to make an entry's cost vanish, few enough that one XREADGROUP reply stays small.
ROWS_PER_ENTRY = 200


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One message of a link's conversation. `status` is the reception status we gave; `text` may be cut."""

    direction: Direction
    at: datetime
    text: str
    status: str | None = None
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class TelemetryRow:
    """One measured value in the unit of its S2 CommodityQuantity (power: W, positive = consumption)."""

    tenant_id: UUID
    site_id: UUID
    link_id: UUID
    quantity: str
    at: datetime
    value: float


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """A change of an instruction: the peer's reception status or an InstructionStatusUpdate, whichever is new."""

    tenant_id: UUID
    link_id: UUID
    instruction_id: str
    at: datetime
    status: str | None = None
    reception: str | None = None
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Delivery(Generic[Row]):
    """Rows taken from a stream. What is not confirmed within 30 s is delivered again, perhaps to another worker."""

    rows: tuple[Row, ...]
    # Stream entry ids with the number of rows that each held; only `confirm_*` reads this.
    receipt: tuple[tuple[str, int], ...]
    # Lines that are no rows, each after the reason. They are set aside when the delivery is confirmed.
    unreadable: tuple[tuple[str, str], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.receipt)


def entry_after(entry_id: str) -> str:
    """The smallest stream entry id above `entry_id`."""
    milliseconds, _, sequence = entry_id.partition("-")
    return f"{milliseconds}-{int(sequence) + 1}"


def log_text(text: str) -> str:
    """Cut to the log's limit in bytes, and free of anything that UTF-8 cannot carry (a lone surrogate)."""
    if text.isascii():
        return text if len(text) <= LOG_TEXT_LIMIT else text[:LOG_TEXT_LIMIT]
    return text[:LOG_TEXT_LIMIT].encode("utf-8", "replace")[:LOG_TEXT_LIMIT].decode("utf-8", "ignore")


def encode_findings(findings: Sequence[Finding]) -> str:
    return json.dumps([dict(finding) for finding in findings]) if findings else ""


def decode_findings(text: str) -> tuple[Finding, ...]:
    return tuple(json.loads(text)) if text else ()


def decode_log(fields: Mapping[str, str]) -> LogEntry:
    return LogEntry(
        direction="sent" if fields["direction"] == "sent" else "received",
        at=datetime.fromisoformat(fields["at"]),
        text=fields["text"],
        status=fields["status"] or None,
        findings=decode_findings(fields["findings"]),
    )


def decode_telemetry(line: str) -> TelemetryRow:
    """The inverse of `encode_telemetry` and of `Batch.measure`. Raises ValueError."""
    tenant, site, link, quantity, at, value = line.split("\t")
    return TelemetryRow(UUID(tenant), UUID(site), UUID(link), quantity, datetime.fromisoformat(at), float(value))


def encode_telemetry(row: TelemetryRow) -> str:
    return f"{row.tenant_id}\t{row.site_id}\t{row.link_id}\t{row.quantity}\t{row.at.isoformat()}\t{row.value!r}"


def encode_ledger(row: LedgerRow) -> str:
    fields: dict[str, Any] = {
        "tenant_id": str(row.tenant_id),
        "link_id": str(row.link_id),
        "instruction_id": row.instruction_id,
        "at": row.at.isoformat(),
        "status": row.status,
        "reception": row.reception,
        "findings": [dict(finding) for finding in row.findings],
    }
    return json.dumps(fields)


def decode_ledger(line: str) -> LedgerRow:
    """Raises ValueError, KeyError, TypeError."""
    fields = json.loads(line)
    return LedgerRow(
        tenant_id=UUID(fields["tenant_id"]),
        link_id=UUID(fields["link_id"]),
        instruction_id=fields["instruction_id"],
        at=datetime.fromisoformat(fields["at"]),
        status=fields["status"],
        reception=fields["reception"],
        findings=tuple(fields["findings"]),
    )


def decode_rows(entries: Iterable[tuple[str, str]], decode: Callable[[str], Row]) -> Delivery[Row]:
    """Rows of stream entries (id, lines), and the lines that cannot be read."""
    rows: list[Row] = []
    unreadable: list[tuple[str, str]] = []
    receipt: list[tuple[str, int]] = []
    for entry_id, text in entries:
        lines = text.split("\n")
        receipt.append((entry_id, len(lines)))
        for line in lines:
            try:
                rows.append(decode(line))
            except (ValueError, KeyError, TypeError) as error:
                logger.exception("a row of stream entry %s cannot be read and is set aside", entry_id)
                unreadable.append((f"{type(error).__name__}: {error}", line))
    return Delivery(tuple(rows), tuple(receipt), tuple(unreadable))
