"""The solar roof's Resource Manager: its output can be limited, what is not produced is lost."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from flexhub.demo.physics.pv import PV
from flexhub.demo.rm.queue import InstructionQueue
from flexhub.demo.rm.resource import Identity, Resource
from flexhub.demo.rm.timing import Reporting, milliseconds, utc
from s2.messages import (
    ControlType,
    Instruction,
    InstructionStatus,
    Message,
    NumberRange,
    PEBCAllowedLimitRange,
    PEBCInstruction,
    PEBCPowerConstraints,
    PEBCPowerEnvelopeConsequenceType,
    PEBCPowerEnvelopeLimitType,
    PowerForecast,
    PowerForecastElement,
    PowerForecastValue,
    RevokeObject,
    RoleType,
)

HOUR_S = 3600.0
FORECAST_STEP_S = 900.0
FORECAST_STEPS = 96
# How far clouds pull the real output from the forecast, as a share.
UPPER_SPREAD, LOWER_SPREAD = 1.08, 0.6


class PVResource(Resource):
    """Follows one envelope at a time: to its end, or until a newer one's time has come. Either is success."""

    control_type = ControlType.POWER_ENVELOPE_BASED_CONTROL
    role = RoleType.ENERGY_PRODUCER
    provides_forecast = True

    def __init__(self, identity: Identity, power_w: Callable[[], float], gap_s: float, pv: PV) -> None:
        super().__init__(identity, power_w, gap_s)
        self._pv = pv
        self._queue: InstructionQueue[PEBCInstruction] = InstructionQueue()
        self._following: PEBCInstruction | None = None
        self._edges: list[tuple[float, float]] = []  # (from when, lower limit in W) of the envelope, and its end
        self._forecast_report = Reporting(HOUR_S, 1.0)

    # -- What it says ------------------------------------------------------------------------------------------------

    def report(self, at_s: float) -> list[Message]:
        messages = super().report(at_s)
        return [*messages, self._forecast(at_s)] if self._forecast_report.due(at_s, 0.0) else messages

    def forget_reports(self) -> None:
        super().forget_reports()
        self._forecast_report.forget()

    def publish(self, at_s: float) -> list[Message]:
        limits = (
            (PEBCPowerEnvelopeLimitType.LOWER_LIMIT, -self._pv.peak_w),
            (PEBCPowerEnvelopeLimitType.UPPER_LIMIT, 0.0),
        )
        return [
            PEBCPowerConstraints(
                message_id=self.identity.new_id(),
                id=self.identity.part("constraints"),
                valid_from=utc(at_s),
                consequence_type=PEBCPowerEnvelopeConsequenceType.VANISH,
                allowed_limit_ranges=tuple(
                    PEBCAllowedLimitRange(
                        commodity_quantity=self.identity.quantity,
                        limit_type=limit_type,
                        range_boundary=NumberRange(start_of_range=start, end_of_range=0.0),
                        abnormal_condition_only=False,
                    )
                    for limit_type, start in limits
                ),
            )
        ]

    def changes(self, at_s: float) -> list[Message]:
        messages: list[Message] = []
        for _, instruction in self._queue.take_due(at_s):
            messages += self._follow(instruction, at_s)
        while self._edges and self._edges[0][0] <= at_s:
            self._pv.lower_limit_w = self._edges.pop(0)[1]
        if self._following is not None and not self._edges:
            messages += self._end(InstructionStatus.SUCCEEDED, at_s)
        return messages

    def next_due_s(self) -> float | None:
        moments = [edge[0] for edge in self._edges[:1]]
        waiting_s = self._queue.next_s()
        return min(moments if waiting_s is None else [*moments, waiting_s], default=None)

    # -- What it is told ---------------------------------------------------------------------------------------------

    def take_control(self, at_s: float) -> list[Message]:
        ended: list[Message] = [self.status(each.id, InstructionStatus.ABORTED, at_s) for each in self._queue.clear()]
        ended += self._end(InstructionStatus.ABORTED, at_s)
        self._pv.controlled = True
        return [*ended, *super().take_control(at_s)]

    def instruct(self, instruction: Instruction, at_s: float) -> list[Message]:
        if not isinstance(instruction, PEBCInstruction):
            return self.refuse(instruction, "this is not an envelope", at_s)
        if all(each.commodity_quantity != self.identity.quantity for each in instruction.power_envelopes):
            return self.refuse(instruction, f"no envelope is about {self.identity.quantity}", at_s)
        start_s = instruction.execution_time.timestamp()
        if self._edges_of(instruction)[-1][0] <= at_s:
            return self.refuse(instruction, "the envelope has ended before it could begin", at_s)
        replaced = self._queue.put(instruction, max(at_s, start_s))
        messages: list[Message] = [self.status(each.id, InstructionStatus.REVOKED, at_s) for each in replaced]
        messages.append(self.status(instruction.id, InstructionStatus.ACCEPTED, at_s))
        return messages + self.changes(at_s)

    def revoke(self, revocation: RevokeObject, at_s: float) -> list[Message]:
        if self._following is not None and self._following.id == revocation.object_id:
            return list(self._end(InstructionStatus.REVOKED, at_s))
        instruction = self._queue.take(revocation.object_id)
        return [] if instruction is None else [self.status(instruction.id, InstructionStatus.REVOKED, at_s)]

    def forget_instructions(self) -> None:
        self._queue.clear()
        self._following = None

    def release(self, at_s: float) -> None:  # noqa: ARG002 - The sun knows its hour itself.
        self.forget_instructions()
        self._edges = []
        self.controlled = self._pv.controlled = False
        self._pv.lower_limit_w = -inf

    def _follow(self, instruction: PEBCInstruction, at_s: float) -> list[Message]:
        messages: list[Message] = [*self._end(InstructionStatus.SUCCEEDED, at_s)]
        self._edges = self._edges_of(instruction)
        self._following = instruction
        return [*messages, self.status(instruction.id, InstructionStatus.STARTED, at_s)]

    def _edges_of(self, instruction: PEBCInstruction) -> list[tuple[float, float]]:
        """A late instruction joins its envelope midway: the elements lie where the sender planned them."""
        ours = next(each for each in instruction.power_envelopes if each.commodity_quantity == self.identity.quantity)
        edge_s = instruction.execution_time.timestamp()
        edges = []
        for element in ours.power_envelope_elements:
            edges.append((edge_s, element.lower_limit))
            edge_s += element.duration / 1000
        # After its last element the device is free again.
        return [*edges, (edge_s, -inf)]

    def _end(self, status: InstructionStatus, at_s: float) -> list[Message]:
        ended, self._following, self._edges = self._following, None, []
        self._pv.lower_limit_w = -inf
        return [] if ended is None else [self.status(ended.id, status, at_s)]

    def _forecast(self, at_s: float) -> PowerForecast:
        elements = []
        for step in range(FORECAST_STEPS):
            expected_w = round(self._pv.forecast_w(at_s + (step + 0.5) * FORECAST_STEP_S), 1)
            value = PowerForecastValue(
                value_upper_68PPR=-expected_w * LOWER_SPREAD,
                value_expected=-expected_w,
                value_lower_68PPR=-expected_w * UPPER_SPREAD,
                commodity_quantity=self.identity.quantity,
            )
            elements.append(PowerForecastElement(duration=milliseconds(FORECAST_STEP_S), power_values=(value,)))
        return PowerForecast(message_id=self.identity.new_id(), start_time=utc(at_s), elements=tuple(elements))
