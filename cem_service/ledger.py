"""Closing the ledger: what devices answer to instructions, moved from Redis into PostgreSQL in batches.

The gateway must not touch PostgreSQL between a frame and its acknowledgement, so it appends updates to a stream and
this module drains it. Delivery is at least once, and several workers drain at a time. So applying an update twice, or
an old one late, changes nothing: a terminal status and an OK stay, and a status never moves backwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

import structlog

from cem_service.models import TERMINAL_STATUSES, Instruction, LedgerStatus
from flexhub.bus.ports import WorkerBus
from flexhub.bus.streams import LedgerRow
from s2.messages import ReceptionStatusValues
from tenants.scope import platform_scope

log = structlog.get_logger(__name__)

BATCH_SIZE = 500
MOST_BATCHES_A_RUN = 10
_UPDATED_FIELDS = ("status", "status_at", "reception", "findings")
_ORDER = {
    status: place
    for place, status in enumerate(
        (LedgerStatus.ISSUED, LedgerStatus.NEW, LedgerStatus.ACCEPTED, LedgerStatus.STARTED, LedgerStatus.SUCCEEDED)
    )
}


def drain(bus: WorkerBus) -> int:
    """Apply all waiting updates, some batches at most; returns how many rows were applied."""
    applied = 0
    for _ in range(MOST_BATCHES_A_RUN):
        delivery = bus.take_ledger(BATCH_SIZE)
        if not delivery:
            break
        apply(delivery.rows)
        bus.confirm_ledger(delivery)
        applied += len(delivery.rows)
    return applied


def apply(rows: Sequence[LedgerRow]) -> None:
    """Fold `rows` into their instructions, in order. Rows of instructions that no longer exist are dropped."""
    with platform_scope("close the instruction ledger"):
        instructions = _instructions(row.instruction_id for row in rows)
        for row in rows:
            instruction = instructions.get(row.instruction_id)
            if instruction is None:
                log.info("ledger.unknown_instruction", instruction_id=row.instruction_id)
                continue
            fold(instruction, row)
        Instruction.objects.bulk_update(instructions.values(), _UPDATED_FIELDS)


def fold(instruction: Instruction, row: LedgerRow) -> None:
    """Bring one update into `instruction`, in memory."""
    if row.reception and instruction.reception != ReceptionStatusValues.OK:
        instruction.reception = row.reception
    instruction.findings += [finding for finding in row.findings if finding not in instruction.findings]
    if row.status and _moves_on(instruction.status, row.status):
        instruction.status = row.status
        instruction.status_at = row.at


def _moves_on(present: str, new: str) -> bool:
    if present in TERMINAL_STATUSES or new not in LedgerStatus:
        return False
    return new in TERMINAL_STATUSES or _ORDER[LedgerStatus(new)] > _ORDER[LedgerStatus(present)]


def _instructions(texts: Iterable[str]) -> dict[str, Instruction]:
    # Locked in one order, so that two drains of overlapping batches cannot wait for each other.
    ids = {UUID(text) for text in texts if _is_uuid(text)}
    return {str(row.id): row for row in Instruction.objects.select_for_update().filter(id__in=ids).order_by("id")}


def _is_uuid(text: str) -> bool:
    # S2 allows other ids; ours are all UUIDs in lower case, so anything else is none of our instructions.
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
