"""Closing the ledger: what devices answer to instructions, moved from Redis into PostgreSQL in batches.

The gateway must not touch PostgreSQL between a frame and its acknowledgement, so it appends updates to a stream and
this module drains it. Delivery is at least once, and several workers drain at a time. So applying an update twice, or
an old one late, changes nothing: a terminal status and an OK stay, and a status never moves backwards. Only that it was
not delivered is a guess of ours, when the connection broke while it was published; any answer to it shows that it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

import structlog
from django.db import DataError, IntegrityError

from cem_service.models import TERMINAL_STATUSES, Instruction, LedgerStatus
from flexhub.bus.poison import reason_of
from flexhub.bus.ports import WorkerBus
from flexhub.bus.sieve import sift
from flexhub.bus.streams import LedgerRow, encode_ledger
from s2.messages import ReceptionStatusValues
from tenants.scope import platform_scope

log = structlog.get_logger(__name__)

BATCH_SIZE = 500
MOST_BATCHES_A_RUN = 10
# What is a row's own fault, such as a NUL in a finding; anything else may be better in a minute.
REFUSALS = (DataError, IntegrityError, ValueError, TypeError)
_UPDATED_FIELDS = ("status", "status_at", "reception", "findings")
# Where a resource can be told several things at once, these fields say which of them is meant.
_PLACES = ("actuator_id", "power_profile_id", "sequence_container_id")
_ORDER = {
    status: place
    for place, status in enumerate(
        (LedgerStatus.ISSUED, LedgerStatus.NEW, LedgerStatus.ACCEPTED, LedgerStatus.STARTED, LedgerStatus.SUCCEEDED)
    )
}


def drain(bus: WorkerBus) -> int:
    """Apply all waiting updates, some batches at most; returns how many rows were applied.

    Rows that the database refuses are set aside.
    """
    applied = 0
    for _ in range(MOST_BATCHES_A_RUN):
        delivery = bus.take_ledger(BATCH_SIZE)
        if not delivery:
            break
        sifted = sift(delivery.rows, apply, REFUSALS)
        for row, error in sifted.refused:
            log.error("ledger.row_set_aside", instruction_id=row.instruction_id, error=str(error))
            bus.set_aside("ledger", reason_of(error), encode_ledger(row))
        bus.confirm_ledger(delivery)
        applied += sifted.stored
    return applied


def apply(rows: Sequence[LedgerRow]) -> int:
    """Fold `rows` into their instructions, in order, all or none; returns how many there were.

    Rows of instructions that no longer exist are dropped.
    """
    with platform_scope("close the instruction ledger"):
        instructions = _instructions(row.instruction_id for row in rows)
        for row in rows:
            instruction = instructions.get(row.instruction_id)
            # What one link's device says counts for what that link was told, whoever's id it may name.
            if instruction is None or (instruction.tenant_id, instruction.link_id) != (row.tenant_id, row.link_id):
                log.info("ledger.unknown_instruction", instruction_id=row.instruction_id)
                continue
            fold(instruction, row)
        _tell_replaced(instructions.values())
        Instruction.objects.bulk_update(instructions.values(), _UPDATED_FIELDS)
    return len(rows)


def fold(instruction: Instruction, row: LedgerRow) -> None:
    """Bring one update into `instruction`, in memory."""
    if row.reception and instruction.reception != ReceptionStatusValues.OK:
        instruction.reception = row.reception
    instruction.findings += [finding for finding in row.findings if finding not in instruction.findings]
    if instruction.status == LedgerStatus.UNDELIVERED and row.status != LedgerStatus.UNDELIVERED:
        instruction.status, instruction.status_at = LedgerStatus.ISSUED, row.at
    if row.status and _moves_on(instruction.status, row.status):
        instruction.status = row.status
        instruction.status_at = row.at


def _tell_replaced(instructions: Iterable[Instruction]) -> None:
    """A device reports ABORTED as well for what a newer instruction takes the place of, and that is no refusal."""
    aborted = [each for each in instructions if each.status == LedgerStatus.ABORTED]
    if not aborted:
        return
    # What came after the last of them was aborted need not be read: that may be a week of everything.
    since, until = min(each.issued_at for each in aborted), max(each.status_at for each in aborted)
    of_these = Instruction.objects.filter(link_id__in={each.link_id for each in aborted})
    newer = list(of_these.filter(issued_at__gt=since, issued_at__lte=until).only("link_id", "issued_at", "message"))
    for each in aborted:
        if any(_replaces(other, each) for other in newer):
            each.status = LedgerStatus.REPLACED


def _replaces(newer: Instruction, older: Instruction) -> bool:
    return _place(newer) == _place(older) and older.issued_at < newer.issued_at <= older.status_at


def _place(instruction: Instruction) -> tuple[object, ...]:
    """What an instruction is for, of which there can be one at a time."""
    return instruction.link_id, *(instruction.message.get(name) for name in _PLACES)


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
