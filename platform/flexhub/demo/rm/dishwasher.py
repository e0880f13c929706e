"""The dishwasher's Resource Manager: one power profile for each filling, whose parts cannot be paused."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from flexhub.demo.physics.dishwasher import Dishwasher
from flexhub.demo.rm.resource import Identity, Resource
from flexhub.demo.rm.timing import Reporting, milliseconds, utc
from s2.messages import (
    ControlType,
    Instruction,
    InstructionStatus,
    Message,
    PowerForecastValue,
    PPBCPowerProfileDefinition,
    PPBCPowerProfileStatus,
    PPBCPowerSequence,
    PPBCPowerSequenceContainer,
    PPBCPowerSequenceContainerStatus,
    PPBCPowerSequenceElement,
    PPBCPowerSequenceStatus,
    PPBCScheduleInstruction,
    RevokableObjects,
    RevokeObject,
    RoleType,
)

PROGRESS_EVERY_S = 300.0
# An order may be this much later than the last moment, since it was on its way for a while.
TOLERANCE_S = 1.0


class DishwasherResource(Resource):
    """Offers the program when it is filled; starts by itself when waiting longer would make it late."""

    control_type = ControlType.POWER_PROFILE_BASED_CONTROL
    role = RoleType.ENERGY_CONSUMER

    def __init__(self, identity: Identity, power_w: Callable[[], float], gap_s: float, dishwasher: Dishwasher) -> None:
        super().__init__(identity, power_w, gap_s)
        self._dishwasher = dishwasher
        self._offered_run: int | None = None
        self._scheduled: dict[int, PPBCScheduleInstruction] = {}  # by part
        self._running: dict[int, str] = {}  # by part: the instruction that began it
        self._reported: tuple[PPBCPowerSequenceStatus, ...] = ()
        self._progress_report = Reporting(PROGRESS_EVERY_S, inf)

    # -- What it says ------------------------------------------------------------------------------------------------

    def publish(self, at_s: float) -> list[Message]:
        if not self._dishwasher.filled:
            self._offered_run = None
            return []
        self._offered_run = self._dishwasher.run
        return [self._definition(), self._profile_status(at_s)]

    def changes(self, at_s: float) -> list[Message]:
        messages: list[Message] = []
        if self._offered_run is not None:
            messages += self._progress(at_s)
        if self._dishwasher.filled and self._offered_run is None:
            messages += self.publish(at_s)
        return messages

    def next_due_s(self) -> float | None:
        """The start and the end of a part, so that its statuses come on time."""
        moments = [self._dishwasher.starts_s[part] for part in self._scheduled]
        moments += [self._dishwasher.end_s(part) for part in self._running]
        return min((moment for moment in moments if moment is not None), default=None)

    # -- What it is told ---------------------------------------------------------------------------------------------

    def take_control(self, at_s: float) -> list[Message]:
        """Whoever selects anew has to schedule anew; a part that runs goes on, on nobody's behalf."""
        open_ids = [each.id for each in self._scheduled.values()] + list(self._running.values())
        aborted = [self.status(each, InstructionStatus.ABORTED, at_s) for each in open_ids]
        self._forget_schedule(at_s)
        self._dishwasher.controlled = True
        return [*aborted, *super().take_control(at_s)]

    def instruct(self, instruction: Instruction, at_s: float) -> list[Message]:
        if not isinstance(instruction, PPBCScheduleInstruction):
            return self.refuse(instruction, "the program cannot be paused", at_s)
        start_s = max(at_s, instruction.execution_time.timestamp())
        part = self._part_of(instruction)
        reason = "the profile is not on offer" if part is None else self._refusal(part, start_s, at_s)
        if part is None or reason is not None:
            return self.refuse(instruction, reason or "", at_s)
        messages: list[Message] = []
        if part in self._scheduled:
            messages.append(self.status(self._scheduled[part].id, InstructionStatus.REVOKED, at_s))
        messages.append(self.status(instruction.id, InstructionStatus.ACCEPTED, at_s))
        self._scheduled[part] = instruction
        self._dishwasher.starts_s[part] = start_s
        return messages + self.changes(at_s)

    def revoke(self, revocation: RevokeObject, at_s: float) -> list[Message]:
        for part, instruction in self._scheduled.items():
            if instruction.id == revocation.object_id:
                del self._scheduled[part]
                self._dishwasher.starts_s[part] = None
                return [self.status(instruction.id, InstructionStatus.REVOKED, at_s), *self.changes(at_s)]
        return []

    def forget_instructions(self) -> None:
        self._scheduled, self._running = {}, {}

    def release(self, at_s: float) -> None:
        self._forget_schedule(at_s)
        self._offered_run = None
        self.controlled = self._dishwasher.controlled = False

    # -- Inside ------------------------------------------------------------------------------------------------------

    def _forget_schedule(self, at_s: float) -> None:
        for part, start_s in enumerate(self._dishwasher.starts_s):
            if start_s is not None and start_s > at_s:
                self._dishwasher.starts_s[part] = None
        self.forget_instructions()

    def _part_of(self, instruction: PPBCScheduleInstruction) -> int | None:
        if self._offered_run is None or instruction.power_profile_id != self._profile_id(self._offered_run):
            return None
        for part in range(len(self._dishwasher.parts)):
            names = instruction.sequence_container_id, instruction.power_sequence_id
            if names == (self._container_id(part), self._sequence_id(part)):
                return part
        return None

    def _refusal(self, part: int, start_s: float, at_s: float) -> str | None:
        dishwasher = self._dishwasher
        if dishwasher.started(part, at_s):
            return "the program has already started"
        earliest_s = dishwasher.earliest_s(part)
        if earliest_s is None or start_s < earliest_s - TOLERANCE_S:
            return "an earlier part is not done by then"
        if start_s > dishwasher.latest_s(part) + TOLERANCE_S:
            return "comfort: the dishes would not be done in time"
        return None

    def _progress(self, at_s: float) -> list[Message]:
        """The statuses of instructions and, when a part has changed its own, the profile's."""
        messages: list[Message] = []
        for part in range(len(self._dishwasher.parts)):
            if part in self._scheduled and self._dishwasher.started(part, at_s):
                self._running[part] = self._scheduled.pop(part).id
                messages.append(self.status(self._running[part], InstructionStatus.STARTED, at_s))
            if part in self._running and self._dishwasher.finished(part, at_s):
                messages.append(self.status(self._running.pop(part), InstructionStatus.SUCCEEDED, at_s))
        statuses = self._statuses(at_s)
        executing = PPBCPowerSequenceStatus.EXECUTING in statuses
        if statuses != self._reported or (executing and self._progress_report.due(at_s, 0.0)):
            messages.append(self._profile_status(at_s))
        if all(each is PPBCPowerSequenceStatus.FINISHED for each in statuses):
            messages.append(self._withdrawal())
        return messages

    def _statuses(self, at_s: float) -> tuple[PPBCPowerSequenceStatus, ...]:
        return tuple(self._part_status(part, at_s) for part in range(len(self._dishwasher.parts)))

    def _part_status(self, part: int, at_s: float) -> PPBCPowerSequenceStatus:
        if self._dishwasher.finished(part, at_s):
            return PPBCPowerSequenceStatus.FINISHED
        if self._dishwasher.started(part, at_s):
            return PPBCPowerSequenceStatus.EXECUTING
        planned = self._dishwasher.starts_s[part] is not None
        return PPBCPowerSequenceStatus.SCHEDULED if planned else PPBCPowerSequenceStatus.NOT_SCHEDULED

    # -- Messages ----------------------------------------------------------------------------------------------------

    def _profile_id(self, run: int) -> str:
        return self.identity.part(f"profile/{run}")

    def _container_id(self, part: int) -> str:
        return self.identity.part(f"profile/{self._offered_run}/container/{part}")

    def _sequence_id(self, part: int) -> str:
        return self.identity.part(f"profile/{self._offered_run}/sequence/{part}")

    def _definition(self) -> PPBCPowerProfileDefinition:
        dishwasher = self._dishwasher
        return PPBCPowerProfileDefinition(
            message_id=self.identity.new_id(),
            id=self._profile_id(dishwasher.run),
            start_time=utc(dishwasher.ready_s or 0.0),
            end_time=utc(dishwasher.deadline_s),
            power_sequences_containers=tuple(
                PPBCPowerSequenceContainer(id=self._container_id(part), power_sequences=(self._sequence(part),))
                for part in range(len(dishwasher.parts))
            ),
        )

    def _sequence(self, part: int) -> PPBCPowerSequence:
        elements = tuple(
            PPBCPowerSequenceElement(
                duration=milliseconds(seconds),
                power_values=(PowerForecastValue(value_expected=power_w, commodity_quantity=self.identity.quantity),),
            )
            for seconds, power_w in self._dishwasher.parts[part]
        )
        return PPBCPowerSequence(
            id=self._sequence_id(part),
            elements=elements,
            is_interruptible=False,
            max_pause_before=milliseconds(self._dishwasher.max_pause_s) if part else None,
            abnormal_condition_only=False,
        )

    def _profile_status(self, at_s: float) -> PPBCPowerProfileStatus:
        self._reported = self._statuses(at_s)
        return PPBCPowerProfileStatus(
            message_id=self.identity.new_id(),
            sequence_container_status=tuple(
                self._container_status(part, status, at_s) for part, status in enumerate(self._reported)
            ),
        )

    def _container_status(
        self, part: int, status: PPBCPowerSequenceStatus, at_s: float
    ) -> PPBCPowerSequenceContainerStatus:
        start_s = self._dishwasher.starts_s[part]
        progress_s = 0.0 if start_s is None else min(at_s - start_s, self._dishwasher.duration_s(part))
        return PPBCPowerSequenceContainerStatus(
            power_profile_id=self._profile_id(self._dishwasher.run),
            sequence_container_id=self._container_id(part),
            selected_sequence_id=None if start_s is None else self._sequence_id(part),
            progress=milliseconds(progress_s) if progress_s >= 0 and self._dishwasher.started(part, at_s) else None,
            status=status,
        )

    def _withdrawal(self) -> RevokeObject:
        """A finished profile is nothing to choose from any more (R-103)."""
        run, self._offered_run = self._offered_run, None
        return RevokeObject(
            message_id=self.identity.new_id(),
            object_type=RevokableObjects.PPBC_POWER_PROFILE_DEFINITION,
            object_id=self._profile_id(run or 0),
        )
