"""The instruction ledger: what became of each instruction of this session. It does not know which side we are.

An instruction has two verdicts. Its reception (ReceptionStatus) says whether it was understood; its status
(InstructionStatusUpdate) says what the device did with it, and may arrive before the reception does. Entries are
values: an update replaces the entry, so an event that carries one stays true.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from s2.findings import Finding
from s2.messages import Instruction, InstructionStatus, ReceptionStatusValues
from s2.recent import RecentKeys

_Kind = TypeVar("_Kind", bound=Instruction)

TERMINAL = frozenset(
    {InstructionStatus.REJECTED, InstructionStatus.REVOKED, InstructionStatus.SUCCEEDED, InstructionStatus.ABORTED}
)

#: Findings kept with an instruction, the earliest ones; a device may report the same wrong end again and again.
MOST_FINDINGS = 20

#: How far along its way each status is; a smaller number after a larger one is a move backwards.
_PROGRESS = {
    InstructionStatus.NEW: 0,
    InstructionStatus.ACCEPTED: 1,
    InstructionStatus.STARTED: 2,
    InstructionStatus.REJECTED: 3,
    InstructionStatus.REVOKED: 3,
    InstructionStatus.SUCCEEDED: 3,
    InstructionStatus.ABORTED: 3,
}

_UNUSABLE = frozenset(
    {
        ReceptionStatusValues.INVALID_DATA,
        ReceptionStatusValues.INVALID_MESSAGE,
        ReceptionStatusValues.INVALID_CONTENT,
        ReceptionStatusValues.TEMPORARY_ERROR,
        ReceptionStatusValues.PERMANENT_ERROR,
    }
)


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One instruction.

    `ended_locally`: we stopped waiting for it (the control type changed); no update said so. `withdrawn`: the CEM has
    revoked it; what became of it, the RM has yet to say.
    """

    id: str
    instruction: Instruction
    at: datetime
    reception: ReceptionStatusValues | None = None
    status: InstructionStatus | None = None
    status_at: datetime | None = None
    findings: tuple[Finding, ...] = ()
    ended_locally: bool = False
    withdrawn: bool = False

    @property
    def refused(self) -> bool:
        """The device said no: either it could not take the instruction in, or it would not execute it."""
        return self.reception in _UNUSABLE or self.status is InstructionStatus.REJECTED

    @property
    def ended(self) -> bool:
        return self.status in TERMINAL or self.reception in _UNUSABLE


class InstructionLedger:
    """The instructions of one session by id, bounded.

    Open entries are kept until `capacity`; a device that never reports an end (which R-36 demands) then loses its
    oldest ones. Ended entries only matter for late updates, so few are kept. The ids of the last `capacity`
    instructions are remembered in any case, because they must not be used again (R-34).
    """

    __slots__ = ("_capacity", "_ended", "_ended_capacity", "_ids", "_open", "_taken")

    def __init__(self, capacity: int = 500, ended_capacity: int = 50) -> None:
        self._capacity = capacity
        self._ended_capacity = ended_capacity
        self._open: dict[str, LedgerEntry] = {}
        self._ended: dict[str, LedgerEntry] = {}
        self._ids = RecentKeys(capacity)
        self._taken: dict[object, tuple[tuple[LedgerEntry, Any], ...]] = {}

    def __len__(self) -> int:
        return len(self._open) + len(self._ended)

    def __iter__(self) -> Iterator[LedgerEntry]:
        yield from self._ended.values()
        yield from self._open.values()

    def get(self, instruction_id: str) -> LedgerEntry | None:
        return self._open.get(instruction_id) or self._ended.get(instruction_id)

    def knows(self, instruction_id: str) -> bool:
        """Whether an instruction of this id was part of the session, even if its entry is gone by now."""
        return self._ids.find(instruction_id) is not None

    def open_entries(self) -> tuple[LedgerEntry, ...]:
        return tuple(self._open.values())

    def taken(self, kind: type[_Kind]) -> tuple[tuple[LedgerEntry, _Kind], ...]:
        """The instructions of one type that the device has not refused, with their entries, the newest first.

        Found again only after a change, because rules ask for them with each measurement.
        """
        if kind not in self._taken:
            found = [(entry, entry.instruction) for entry in self if isinstance(entry.instruction, kind)]
            found.sort(key=lambda each: each[0].at)
            self._taken[kind] = tuple(each for each in reversed(found) if not each[0].refused)
        return self._taken[kind]

    def add(self, instruction: Instruction, at: datetime, findings: tuple[Finding, ...] = ()) -> LedgerEntry:
        entry = LedgerEntry(instruction.id, instruction, at, findings=findings)
        self._ids.add(instruction.id)
        self._put(entry)
        return entry

    def receive(self, instruction: Instruction, reception: ReceptionStatusValues) -> LedgerEntry | None:
        """Record the verdict on an instruction; None when its entry is gone or belongs to another instruction."""
        entry = self.get(instruction.id)
        if entry is None or entry.instruction.message_id != instruction.message_id:
            return None
        entry = replace(entry, reception=reception)
        self._put(entry)
        return entry

    def update(
        self, instruction_id: str, status: InstructionStatus, at: datetime, findings: tuple[Finding, ...] = ()
    ) -> LedgerEntry | None:
        """Record a status update; one that would undo an end only adds its findings. None when the entry is gone."""
        entry = self.get(instruction_id)
        if entry is None:
            return None
        findings = (entry.findings + findings)[:MOST_FINDINGS]
        if regresses(entry, status):
            entry = replace(entry, findings=findings)
        else:
            entry = replace(entry, status=status, status_at=at, findings=findings, ended_locally=False)
        self._put(entry)
        return entry

    def withdraw(self, instruction_id: str) -> LedgerEntry | None:
        """Record that the CEM has revoked the instruction. None when its entry is gone or has ended before."""
        entry = self._open.get(instruction_id)
        if entry is None:
            return None
        entry = replace(entry, withdrawn=True)
        self._put(entry)
        return entry

    def end_open(self, at: datetime) -> list[LedgerEntry]:
        """End every open entry, because what the instructions were based on is gone."""
        ended = [
            replace(entry, status=InstructionStatus.ABORTED, status_at=at, ended_locally=True)
            for entry in self._open.values()
        ]
        for entry in ended:
            self._put(entry)
        return ended

    def _put(self, entry: LedgerEntry) -> None:
        self._taken.clear()
        if not entry.ended:
            self._ended.pop(entry.id, None)
            self._open[entry.id] = entry
            _evict_oldest(self._open, self._capacity)
            return
        self._open.pop(entry.id, None)
        self._ended[entry.id] = entry
        _evict_oldest(self._ended, self._ended_capacity)


def regresses(entry: LedgerEntry, status: InstructionStatus) -> bool:
    """Whether `status` moves the entry backwards or follows a terminal one (R-37).

    What we ended ourselves may still be told its real end by the device.
    """
    if entry.status is None or entry.ended_locally:
        return False
    return entry.status in TERMINAL or _PROGRESS[status] < _PROGRESS[entry.status]


def _evict_oldest(entries: dict[str, LedgerEntry], capacity: int) -> None:
    if len(entries) > capacity:
        del entries[next(iter(entries))]
