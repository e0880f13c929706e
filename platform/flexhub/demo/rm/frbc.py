"""Fill Rate Based Control with one actuator: what batteries, cars and heat pumps share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from math import inf

from flexhub.demo.rm.queue import InstructionQueue
from flexhub.demo.rm.resource import Identity, Resource
from flexhub.demo.rm.timing import Reporting, milliseconds, utc
from s2.messages import (
    Commodity,
    ControlType,
    FRBCActuatorDescription,
    FRBCActuatorStatus,
    FRBCInstruction,
    FRBCOperationMode,
    FRBCOperationModeElement,
    FRBCStorageDescription,
    FRBCStorageStatus,
    FRBCSystemDescription,
    FRBCTimerStatus,
    Instruction,
    InstructionStatus,
    Message,
    NumberRange,
    PowerRange,
    RevokeObject,
    Timer,
    Transition,
)

FACTOR_CHANGE = 0.002


@dataclass(frozen=True, slots=True)
class Band:
    """Within these fill levels a mode fills by these rates (per second) at factor 0 and 1."""

    low: float
    high: float
    rate_0: float
    rate_1: float


@dataclass(frozen=True, slots=True)
class Mode:
    """An operation mode: power in W at factor 0 and 1, and what it does to the fill level."""

    name: str
    power_0_w: float
    power_1_w: float
    bands: tuple[Band, ...]

    def power_w(self, factor: float) -> float:
        return self.power_0_w + factor * (self.power_1_w - self.power_0_w)

    def factor(self, power_w: float) -> float:
        if self.power_1_w == self.power_0_w:
            return 0.0
        return min(1.0, max(0.0, (power_w - self.power_0_w) / (self.power_1_w - self.power_0_w)))


@dataclass(frozen=True, slots=True)
class TimerPlan:
    """A switch from `start` to `end` starts this timer; until it is finished the way back is blocked."""

    name: str
    start: str
    end: str
    duration_s: float


class FRBCResource(Resource):
    """A storage with one actuator. Subclasses say what is on offer now, and guard comfort, safety and wear."""

    control_type = ControlType.FILL_RATE_BASED_CONTROL
    timers: tuple[TimerPlan, ...] = ()

    def __init__(self, identity: Identity, power_w: Callable[[], float], gap_s: float, *, level_change: float) -> None:
        super().__init__(identity, power_w, gap_s)
        self._queue: InstructionQueue[FRBCInstruction] = InstructionQueue()
        self._level_report = Reporting(inf, level_change, gap_s)
        self._offered: tuple[Mode, ...] = ()
        self._reported: tuple[str, float] | None = None
        self._timers_reported: dict[str, float] = {}

    @abstractmethod
    def modes(self) -> tuple[Mode, ...]:
        """What can be chosen now; another answer than before means a new description."""

    @abstractmethod
    def storage(self) -> FRBCStorageDescription:
        """The storage as it is now."""

    @abstractmethod
    def level(self) -> float:
        """The fill level, in the unit that the storage's label names."""

    @abstractmethod
    def present(self, at_s: float) -> tuple[str, float]:
        """The name of the active mode and its factor."""

    @abstractmethod
    def refusal(self, mode: Mode, factor: float, at_s: float) -> str | None:
        """Why the device will not do this now; None = it will."""

    @abstractmethod
    def apply(self, mode: Mode, factor: float, at_s: float) -> None:
        """Do it."""

    def behaviour(self, at_s: float) -> list[Message]:  # noqa: ARG002 - For subclasses.
        """Forecasts, leakage and targets that belong to the description."""
        return []

    def timer_finished_s(self, timer: TimerPlan, at_s: float) -> float:  # noqa: ARG002 - For subclasses.
        """When the timer is or was finished."""
        return at_s

    # -- What it says ------------------------------------------------------------------------------------------------

    def publish(self, at_s: float) -> list[Message]:
        self._offered = self.modes()
        self._reported = None
        self._timers_reported = {}
        self._level_report.forget()
        return [self._description(at_s), *self._statuses(at_s), *self.behaviour(at_s)]

    def changes(self, at_s: float) -> list[Message]:
        messages: list[Message] = []
        for _, instruction in self._queue.take_due(at_s):
            messages += self._execute(instruction, at_s, accepted=True)
        if self.modes() != self._offered:
            return messages + self._abort_waiting(at_s) + self.publish(at_s)
        return messages + self._statuses(at_s)

    def next_due_s(self) -> float | None:
        return self._queue.next_s()

    # -- What it is told ---------------------------------------------------------------------------------------------

    def take_control(self, at_s: float) -> list[Message]:
        return self._abort_waiting(at_s) + super().take_control(at_s)

    def instruct(self, instruction: Instruction, at_s: float) -> list[Message]:
        if not isinstance(instruction, FRBCInstruction):
            return self.refuse(instruction, "this is not an instruction for a storage", at_s)
        start_s = max(at_s, instruction.execution_time.timestamp())
        replaced = self._queue.put(instruction, start_s)
        messages: list[Message] = [self.status(each.id, InstructionStatus.REVOKED, at_s) for each in replaced]
        if start_s > at_s:
            return [*messages, self.status(instruction.id, InstructionStatus.ACCEPTED, at_s)]
        self._queue.take(instruction.id)
        return messages + self._execute(instruction, at_s, accepted=False)

    def revoke(self, revocation: RevokeObject, at_s: float) -> list[Message]:
        instruction = self._queue.take(revocation.object_id)
        return [] if instruction is None else [self.status(instruction.id, InstructionStatus.REVOKED, at_s)]

    def forget_instructions(self) -> None:
        self._queue.clear()

    def release(self, at_s: float) -> None:  # noqa: ARG002 - Subclasses let go of their device.
        self.forget_instructions()
        self.controlled = False

    def _execute(self, instruction: FRBCInstruction, at_s: float, *, accepted: bool) -> list[Message]:
        mode = next((each for each in self.modes() if self._mode_id(each.name) == instruction.operation_mode), None)
        factor = instruction.operation_mode_factor
        reason = "the mode is not on offer" if mode is None else self.refusal(mode, factor, at_s)
        if mode is None or reason is not None:
            return self.refuse(instruction, reason or "", at_s, accepted=accepted)
        steps = [InstructionStatus.STARTED, InstructionStatus.SUCCEEDED]
        self.apply(mode, factor, at_s)
        if not accepted:
            steps.insert(0, InstructionStatus.ACCEPTED)
        return [self.status(instruction.id, step, at_s) for step in steps]

    def _abort_waiting(self, at_s: float) -> list[Message]:
        """What an instruction was based on is replaced."""
        return [self.status(each.id, InstructionStatus.ABORTED, at_s) for each in self._queue.clear()]

    # -- Messages ----------------------------------------------------------------------------------------------------

    def _mode_id(self, name: str) -> str:
        return self.identity.part(f"mode/{name}")

    def _timer_id(self, name: str) -> str:
        return self.identity.part(f"timer/{name}")

    def _description(self, at_s: float) -> FRBCSystemDescription:
        actuator = FRBCActuatorDescription(
            id=self.identity.part("actuator"),
            diagnostic_label=self.identity.name,
            supported_commodities=(Commodity.ELECTRICITY,),
            operation_modes=tuple(self._operation_mode(mode) for mode in self._offered),
            transitions=self._transitions(),
            timers=tuple(
                Timer(id=self._timer_id(each.name), diagnostic_label=each.name, duration=milliseconds(each.duration_s))
                for each in self.timers
            ),
        )
        return FRBCSystemDescription(
            message_id=self.identity.new_id(), valid_from=utc(at_s), actuators=(actuator,), storage=self.storage()
        )

    def _operation_mode(self, mode: Mode) -> FRBCOperationMode:
        power = PowerRange(
            start_of_range=mode.power_0_w, end_of_range=mode.power_1_w, commodity_quantity=self.identity.quantity
        )
        elements = tuple(
            FRBCOperationModeElement(
                fill_level_range=NumberRange(start_of_range=band.low, end_of_range=band.high),
                fill_rate=NumberRange(start_of_range=band.rate_0, end_of_range=band.rate_1),
                power_ranges=(power,),
            )
            for band in mode.bands
        )
        return FRBCOperationMode(
            id=self._mode_id(mode.name), diagnostic_label=mode.name, elements=elements, abnormal_condition_only=False
        )

    def _transitions(self) -> tuple[Transition, ...]:
        """From every mode to every other one."""
        names = [mode.name for mode in self._offered]
        return tuple(self._transition(start, end) for start in names for end in names if start != end)

    def _transition(self, start: str, end: str) -> Transition:
        """A timer that the switch from one mode to another starts blocks the way back."""
        return Transition(
            id=self.identity.part(f"transition/{start}/{end}"),
            from_=self._mode_id(start),
            to=self._mode_id(end),
            start_timers=self._timer_ids(start, end),
            blocking_timers=self._timer_ids(end, start),
            abnormal_condition_only=False,
        )

    def _timer_ids(self, start: str, end: str) -> tuple[str, ...]:
        return tuple(self._timer_id(each.name) for each in self.timers if (each.start, each.end) == (start, end))

    def _statuses(self, at_s: float) -> list[Message]:
        messages: list[Message] = []
        mode, factor = self.present(at_s)
        before = self._reported
        if before is None or before[0] != mode or abs(before[1] - factor) > FACTOR_CHANGE:
            messages.append(self._actuator_status(mode, factor, before, at_s))
            self._reported = (mode, factor)
        for timer in self.timers:
            finished_s = self.timer_finished_s(timer, at_s)
            if self._timers_reported.get(timer.name) != finished_s:
                self._timers_reported[timer.name] = finished_s
                messages.append(self._timer_status(timer, finished_s))
        if self._level_report.due(at_s, self.level()):
            messages.append(
                FRBCStorageStatus(message_id=self.identity.new_id(), present_fill_level=round(self.level(), 4))
            )
        return messages

    def _actuator_status(
        self, mode: str, factor: float, before: tuple[str, float] | None, at_s: float
    ) -> FRBCActuatorStatus:
        return FRBCActuatorStatus(
            message_id=self.identity.new_id(),
            actuator_id=self.identity.part("actuator"),
            active_operation_mode_id=self._mode_id(mode),
            operation_mode_factor=factor,
            previous_operation_mode_id=None if before is None else self._mode_id(before[0]),
            transition_timestamp=None if before is None else utc(at_s),
        )

    def _timer_status(self, timer: TimerPlan, finished_s: float) -> FRBCTimerStatus:
        return FRBCTimerStatus(
            message_id=self.identity.new_id(),
            timer_id=self._timer_id(timer.name),
            actuator_id=self.identity.part("actuator"),
            finished_at=utc(finished_s),
        )
