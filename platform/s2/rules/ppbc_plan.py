"""What is known of the course of a power profile, as rules for the CEM's schedule need it.

The standard knows only when a sequence is to begin. When it ends follows from its durations, unless the device reports
otherwise. Where a pause may have moved an end, that end is open, and nothing is held against the CEM.

Times are in seconds since the start of the profile's window: what lies beyond the calendar cannot be a datetime.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from math import inf

from s2.ledger import LedgerEntry
from s2.messages import (
    InstructionStatus,
    PPBCPowerProfileDefinition,
    PPBCPowerSequence,
    PPBCPowerSequenceContainer,
    PPBCPowerSequenceContainerStatus,
    PPBCPowerSequenceStatus,
    PPBCScheduleInstruction,
)
from s2.rules.instructions import ProfileInstruction
from s2.rules.ppbc import OVER, RUNNING, duration_ms, shortest_ms
from s2.rules.registry import Situation

_TAKEN_BACK = frozenset({InstructionStatus.REVOKED, InstructionStatus.ABORTED})


@dataclass(frozen=True, slots=True)
class Start:
    """A start that the CEM has told, and that nobody has refused or taken back."""

    entry: LedgerEntry
    instruction: PPBCScheduleInstruction

    @property
    def moment(self) -> datetime:
        """When the sequence begins: not before the instruction was there."""
        return max(self.entry.at, self.instruction.execution_time)


@dataclass(frozen=True, slots=True)
class Plan:
    """A profile with what is known of its course, seen from the sequence that an instruction names."""

    profile: PPBCPowerProfileDefinition
    index: int
    sequence: PPBCPowerSequence
    abnormal: bool
    situation: Situation
    starts: dict[str, Start]  # by container, the newest one each

    @classmethod
    def of(cls, message: ProfileInstruction, situation: Situation) -> Plan | None:
        """None where the ids do not resolve, which is R-44 or R-93."""
        profile = situation.resource.profiles.get(message.power_profile_id)
        index = None if profile is None else index_in(profile, message.sequence_container_id)
        if profile is None or index is None:
            return None
        sequence = sequence_in(profile.power_sequences_containers[index], message.power_sequence_id)
        if sequence is None:
            return None
        starts = {start.instruction.sequence_container_id: start for start in _starts(message, situation)}
        return cls(profile, index, sequence, message.abnormal_condition, situation, starts)

    @property
    def container(self) -> PPBCPowerSequenceContainer:
        return self.profile.power_sequences_containers[self.index]

    @property
    def containers_before(self) -> tuple[PPBCPowerSequenceContainer, ...]:
        return self.profile.power_sequences_containers[: self.index]

    @property
    def containers_after(self) -> tuple[PPBCPowerSequenceContainer, ...]:
        return self.profile.power_sequences_containers[self.index + 1 :]

    @property
    def now_s(self) -> float:
        return self.since_start(self.situation.now)

    @property
    def window_s(self) -> float:
        return self.since_start(self.profile.end_time)

    def since_start(self, moment: datetime) -> float:
        return (moment - self.profile.start_time).total_seconds()

    def shortest_s(self, container: PPBCPowerSequenceContainer) -> float:
        return shortest_ms(container, abnormal=self.abnormal) / 1000

    def rest_s(self) -> float:
        """What the containers after this one need at least."""
        return sum(self.shortest_s(each) for each in self.containers_after if not self.is_in(each, OVER))

    def earliest_s(self) -> float:
        """When the containers before this one may be done at the latest; inf where nobody knows."""
        earliest_s = max(self.now_s, 0.0)
        for each in self.containers_before:
            if self.is_in(each, OVER):
                continue
            end_s = self.latest_end_s(each)
            if end_s is not None:
                earliest_s = max(earliest_s, end_s)
            else:
                earliest_s += inf if self.is_in(each, RUNNING) else self.shortest_s(each)
        return earliest_s

    def status_of(self, container: PPBCPowerSequenceContainer) -> PPBCPowerSequenceContainerStatus | None:
        return self.situation.resource.sequence_status(self.profile.id, container.id)

    def is_in(self, container: PPBCPowerSequenceContainer, statuses: frozenset[PPBCPowerSequenceStatus]) -> bool:
        status = self.status_of(container)
        return status is not None and status.status in statuses

    def standing_start(self, container: PPBCPowerSequenceContainer) -> Start | None:
        """The start by which a container is to run, or runs; None where it is over, or nobody has told one."""
        start = self.starts.get(container.id)
        return None if start is None or start.entry.ended or self.is_in(container, OVER) else start

    def earliest_end_s(self, container: PPBCPowerSequenceContainer) -> float | None:
        """When a container that is to run, or runs, will be done at the earliest; None where that is not known."""
        start = self.standing_start(container)
        planned_s = None if start is None else self._planned_end_s(container, start)
        by_progress_s = self._end_by_progress_s(container)
        return planned_s if planned_s is None or by_progress_s is None else min(planned_s, by_progress_s)

    def latest_end_s(self, container: PPBCPowerSequenceContainer) -> float | None:
        """When a container has ended, or will have at the latest; None where that is not known."""
        if self.is_in(container, OVER):
            return self._reported_end_s(container)
        start, by_progress_s = self.standing_start(container), self._end_by_progress_s(container)
        planned_s = None if start is None else self._planned_end_s(container, start)
        if self.is_in(container, RUNNING) and _may_have_paused(container):
            return inf
        return max((each for each in (planned_s, by_progress_s) if each is not None), default=None)

    def _planned_end_s(self, container: PPBCPowerSequenceContainer, start: Start) -> float | None:
        sequence = sequence_in(container, start.instruction.power_sequence_id)
        return None if sequence is None else self.since_start(start.moment) + duration_ms(sequence) / 1000

    def _end_by_progress_s(self, container: PPBCPowerSequenceContainer) -> float | None:
        """When a container that runs will be done at the latest: its progress was told some time ago."""
        status = self.status_of(container)
        if status is None or status.status not in RUNNING or status.progress is None:
            return None
        sequence = sequence_in(container, status.selected_sequence_id)
        return None if sequence is None else self.now_s + (duration_ms(sequence) - status.progress) / 1000

    def _reported_end_s(self, container: PPBCPowerSequenceContainer) -> float | None:
        """When the start of a container that is over succeeded, by the device's own word."""
        start = self.starts.get(container.id)
        if start is None or start.entry.status is not InstructionStatus.SUCCEEDED or start.entry.status_at is None:
            return None
        planned_s = self._planned_end_s(container, start)
        # Some devices report success as soon as they have taken a start to heart, long before the end.
        return None if planned_s is None else max(planned_s, self.since_start(start.entry.status_at))


def index_in(profile: PPBCPowerProfileDefinition, container_id: str) -> int | None:
    containers = profile.power_sequences_containers
    return next((index for index, each in enumerate(containers) if each.id == container_id), None)


def sequence_in(container: PPBCPowerSequenceContainer, sequence_id: str | None) -> PPBCPowerSequence | None:
    return next((each for each in container.power_sequences if each.id == sequence_id), None)


def _may_have_paused(container: PPBCPowerSequenceContainer) -> bool:
    # Nobody knows for how long, nor whether the progress counts the pause.
    return any(each.is_interruptible for each in container.power_sequences)


def _starts(message: ProfileInstruction, situation: Situation) -> Iterator[Start]:
    """The starts told for the profile, oldest first, besides the one that is judged."""
    for entry, told in reversed(situation.ledger.taken(PPBCScheduleInstruction)):
        taken_back = entry.withdrawn or entry.status in _TAKEN_BACK
        if told.power_profile_id == message.power_profile_id and entry.id != message.id and not taken_back:
            yield Start(entry, told)
