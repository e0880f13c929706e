"""Instructions that wait for their execution time, for one actuator."""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar


class Timed(Protocol):
    """What this queue needs to know of an instruction."""

    @property
    def id(self) -> str: ...

    @property
    def execution_time(self) -> object: ...


InstructionT = TypeVar("InstructionT", bound=Timed)


class InstructionQueue(Generic[InstructionT]):
    """In the order of execution times. What was ordered last holds from its time on, so it replaces what is later."""

    def __init__(self) -> None:
        self._waiting: list[tuple[float, InstructionT]] = []

    def put(self, instruction: InstructionT, start_s: float) -> list[InstructionT]:
        """Returns the instructions that this one replaces."""
        replaced = [each for each_s, each in self._waiting if each_s >= start_s]
        self._waiting = [(each_s, each) for each_s, each in self._waiting if each_s < start_s]
        self._waiting.append((start_s, instruction))
        return replaced

    def take_due(self, at_s: float) -> list[tuple[float, InstructionT]]:
        due = [entry for entry in self._waiting if entry[0] <= at_s]
        self._waiting = self._waiting[len(due) :]
        return due

    def take(self, instruction_id: str) -> InstructionT | None:
        for index, (_, instruction) in enumerate(self._waiting):
            if instruction.id == instruction_id:
                del self._waiting[index]
                return instruction
        return None

    def clear(self) -> list[InstructionT]:
        waiting, self._waiting = self._waiting, []
        return [instruction for _, instruction in waiting]

    def next_s(self) -> float | None:
        return self._waiting[0][0] if self._waiting else None
