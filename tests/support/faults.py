"""What goes wrong in a simulated home, from when to when, and a device that can be made to misbehave."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from random import Random
from typing import Any

from flexhub.demo.rm.resource import Resource
from s2.messages import (
    FRBCActuatorStatus,
    FRBCStorageStatus,
    FRBCTimerStatus,
    Instruction,
    InstructionStatusUpdate,
    Message,
    PowerMeasurement,
    PPBCPowerProfileStatus,
)

STATUSES = (
    FRBCActuatorStatus,
    FRBCStorageStatus,
    FRBCTimerStatus,
    InstructionStatusUpdate,
    PowerMeasurement,
    PPBCPowerProfileStatus,
)
LATE_BY_S = 180.0
CLOCK_OFF_S = 20.0
DAY = timedelta(days=1)


class Trouble(Enum):
    LOST = "no session"
    REFUSING = "every instruction refused"
    LATE = "statuses three minutes late"
    MISSING = "no statuses"
    CLOCK_OFF = "its clock is 20 s fast"
    FEED_GONE = "no prices"
    CEM_STOPPED = "no worker of the CEM"


#: What may happen to one device, and how long it lasts at most.
OF_DEVICES = {
    Trouble.LOST: timedelta(hours=3),
    Trouble.REFUSING: timedelta(hours=2),
    Trouble.LATE: timedelta(hours=6),
    Trouble.MISSING: timedelta(hours=3),
    Trouble.CLOCK_OFF: timedelta(hours=24),
}
#: What may happen to a whole home.
OF_HOMES = {Trouble.FEED_GONE: timedelta(hours=30), Trouble.CEM_STOPPED: timedelta(hours=6)}


@dataclass(frozen=True, slots=True)
class Fault:
    """`device` is its place among the home's devices; None where the whole home is meant."""

    trouble: Trouble
    begins: timedelta
    ends: timedelta
    device: int | None = None

    def holds(self, gone: timedelta) -> bool:
        return self.begins <= gone < self.ends


def faults(seed: int, devices: int, lasts: timedelta) -> list[Fault]:
    """Each kind about twice in three days for the home or one of its devices, at any time of the day."""
    random = Random(f"faults:{seed}")  # noqa: S311 - Repeatable on purpose.
    found = []
    for trouble, longest in (OF_DEVICES | OF_HOMES).items():
        for _ in range(max(1, round(lasts / DAY * 2 / 3))):
            begins = random.uniform(0.02, 0.95) * lasts
            device = random.randrange(devices) if trouble in OF_DEVICES else None
            found.append(Fault(trouble, begins, begins + random.uniform(0.1, 1.0) * longest, device))
    return found


@dataclass
class Moody:
    """A Resource Manager to whom faults happen; all else goes on to the real one."""

    resource: Resource
    troubles: frozenset[Trouble] = frozenset()
    refused: int = 0
    _held: deque[tuple[float, Message]] = field(default_factory=deque)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.resource, name)

    def report(self, at_s: float) -> list[Message]:
        return self._said(self.resource.report(at_s), at_s)

    def changes(self, at_s: float) -> list[Message]:
        return self._said(self.resource.changes(at_s), at_s)

    def instruct(self, instruction: Instruction, at_s: float) -> list[Message]:
        if Trouble.REFUSING in self.troubles:
            self.refused += 1
            return self._said(self.resource.refuse(instruction, "it does not feel like it", at_s), at_s)
        return self._said(self.resource.instruct(instruction, at_s), at_s)

    def release(self, at_s: float) -> None:
        """What was held back may not be said any more, but for what was measured."""
        self._held = deque(each for each in self._held if isinstance(each[1], PowerMeasurement))
        self.resource.release(at_s)

    def forget_reports(self) -> None:
        self._held.clear()
        self.resource.forget_reports()

    def _said(self, messages: Sequence[Message], at_s: float) -> list[Message]:
        """What is said now: of what was held back all that is due, and of the new ones those that get through."""
        late, missing = Trouble.LATE in self.troubles, Trouble.MISSING in self.troubles
        said = []
        while self._held and (self._held[0][0] <= at_s or not late):
            said.append(self._held.popleft()[1])
        for message in messages:
            if not isinstance(message, STATUSES) or not (late or missing):
                said.append(message)
            elif late:
                self._held.append((at_s + LATE_BY_S, message))
        return said
