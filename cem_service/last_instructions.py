"""What devices were told before, read back from the ledger, as far as the next decision has to know it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import takewhile
from typing import cast
from uuid import UUID

import structlog

from cem_service.domain.decision import LastInstruction, Objective
from cem_service.domain.pace import left_alone_until
from cem_service.loading import LoadedSite, is_of
from cem_service.models import Instruction, LedgerStatus
from cem_service.runtime import Tools
from s2.errors import S2Error
from s2.messages import DDBCSystemDescription, FRBCSystemDescription, OMBCSystemDescription, parse_message
from s2.messages import Instruction as S2Instruction
from s2.versions import WireProfile

log = structlog.get_logger(__name__)

# Real time after which an instruction without any answer is taken as lost between the commit and the bus.
ANSWER_OVERDUE_S = 30.0
MODE_DESCRIPTIONS = (FRBCSystemDescription, OMBCSystemDescription, DDBCSystemDescription)


def last_instructions(loaded: LoadedSite, tools: Tools) -> Mapping[UUID, LastInstruction]:
    """The latest instruction of each present session that reached its device, or may still do so.

    Raises ValueError for a site that was not loaded to be acted upon: its devices would be told everything once more.
    """
    if loaded.instructions is None:
        raise ValueError("what the devices were told was not loaded")
    overdue = loaded.state.now - tools.clock.duration_of(ANSWER_OVERDUE_S)
    counting = (row for row in loaded.instructions if _still_counts(row, loaded, overdue))
    return {row.link_id: found for row in counting if (found := _remembered(row, loaded)) is not None}


def _still_counts(row: Instruction, loaded: LoadedSite, overdue: datetime) -> bool:
    snapshot = loaded.snapshots.get(row.link_id)
    if snapshot is None or not is_of(snapshot, row) or row.status == LedgerStatus.UNDELIVERED:
        return False
    descriptions = (message for message in snapshot.messages.values() if isinstance(message, MODE_DESCRIPTIONS))
    if any(description.valid_from > row.issued_at for description in descriptions):
        return False  # It named modes of a description that has been replaced; the device has no order now.
    unanswered = row.status == LedgerStatus.ISSUED and not row.reception
    return not unanswered or row.issued_at > overdue


def _remembered(row: Instruction, loaded: LoadedSite) -> LastInstruction | None:
    """None for a row that this release cannot read: the device is then told afresh."""
    message = _read(row)
    if message is None:
        return None
    rows = loaded.told.get(row.link_id)
    told = None if rows is None else tuple(one for each in rows if not _is_gone(each) and (one := _read(each)))
    return LastInstruction(
        message=message,
        issued_at=row.issued_at,
        expected_power_w=row.expected_power_w,
        power_before_w=row.power_before_w,
        until=row.ends_at,
        objective=Objective(row.objective),
        refused_until=_refused_until(rows or (row,)),
        told=told,
    )


def _is_gone(row: Instruction) -> bool:
    return row.is_refused or row.status in (LedgerStatus.REVOKED, LedgerStatus.UNDELIVERED)


def _refused_until(rows: Sequence[Instruction]) -> datetime | None:
    """Until when a device is left alone, by what it was told, oldest first.

    What we take back is followed by what replaces it, so a newest one that is revoked was revoked by the device.
    """
    newest = rows[-1]
    if not (newest.is_refused or newest.status == LedgerStatus.REVOKED):
        return None
    before = sum(1 for _ in takewhile(lambda row: row.is_refused, reversed(rows[:-1])))
    return left_alone_until(newest.status_at, refused_before=before)


def _read(row: Instruction) -> S2Instruction | None:
    try:
        message = parse_message(json.dumps(row.message), WireProfile.V1_0_0)
    except S2Error as error:
        log.warning("cem.instruction_unreadable", instruction_id=str(row.id), error=str(error))
        return None
    return cast(S2Instruction, message)  # What `issuing` stored was one.
