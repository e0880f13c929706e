"""What the hosted CEM decided, and what it remembers of what it decided before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import UUID

from s2.messages import Instruction, RevokeObject

if TYPE_CHECKING:
    from cem_service.domain.reason import Reason  # Which names objectives, and so imports this.


class Objective(StrEnum):
    """What moved a decision, in the order in which the objectives rule each other out."""

    FUSE = "fuse"
    EXPORT_LIMIT = "export_limit"
    GRID_LIMIT = "grid_limit"
    STEERABLE_LIMIT = "steerable_limit"
    ACTIVATION = "activation"
    TARGET = "target"
    SELF_CONSUMPTION = "self_consumption"
    CARBON = "carbon"
    CAPACITY_TARIFF = "capacity_tariff"
    BANDWIDTH = "bandwidth"
    PRICE = "price"
    START_TIME = "start_time"
    TAKE_CONTROL = "take_control"


@dataclass(frozen=True, slots=True)
class Decision:
    """One instruction, ready to be sent, with its reason.

    `expected_power_w` is the resource's power once it obeys, `power_before_w` the power it had when we decided;
    both in W, consumption positive. `until` is when the decision ends by itself or will be looked at again at the
    latest. `reason` is what moved the decision, as data. `revocations` take back earlier instructions; they are sent
    first.
    """

    link_id: UUID
    message: Instruction
    reason: Reason
    objective: Objective
    expected_power_w: float
    power_before_w: float
    until: datetime
    revocations: tuple[RevokeObject, ...] = ()


@dataclass(frozen=True, slots=True)
class LastInstruction:
    """The latest instruction of this session to one resource, as far as the next decision needs it.

    `refused_until` is set by the caller after a refusal: up to that moment the resource is left alone. `told` holds,
    oldest first, all that the resource was told in this session and did not refuse, where it is told several things at
    once; None where only the latest is known.
    """

    message: Instruction
    issued_at: datetime
    expected_power_w: float
    power_before_w: float
    until: datetime
    objective: Objective = Objective.TAKE_CONTROL
    refused_until: datetime | None = None
    told: tuple[Instruction, ...] | None = None

    @classmethod
    def of(cls, decision: Decision, issued_at: datetime, refused_until: datetime | None = None) -> LastInstruction:
        return cls(
            message=decision.message,
            issued_at=issued_at,
            expected_power_w=decision.expected_power_w,
            power_before_w=decision.power_before_w,
            until=decision.until,
            objective=decision.objective,
            refused_until=refused_until,
        )

    def refused_at(self, now: datetime) -> bool:
        return self.refused_until is not None and now < self.refused_until
