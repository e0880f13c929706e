"""What every simulated Resource Manager has in common: who it is, what it measures, how it speaks of instructions."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar
from uuid import NAMESPACE_URL, UUID, uuid5

from flexhub.demo.rm.timing import Reporting, utc
from s2.messages import (
    Commodity,
    CommodityQuantity,
    ControlType,
    Instruction,
    InstructionStatus,
    InstructionStatusUpdate,
    Message,
    PowerMeasurement,
    PowerValue,
    ResourceManagerDetails,
    RevokeObject,
    Role,
    RoleType,
)

log = logging.getLogger(__name__)

MEASURE_EVERY_S = 60.0
MEASURE_CHANGE_W = 100.0
# What the simulated inverters and compressors need to act on an order, in ms.
PROCESSING_DELAY_MS = 100


@dataclass(frozen=True, slots=True)
class Identity:
    """`new_id` makes message ids; all other ids are derived from the node's, so that they survive a reconnect."""

    node_id: UUID
    name: str
    quantity: CommodityQuantity
    new_id: Callable[[], str]

    def part(self, name: str) -> str:
        return str(uuid5(NAMESPACE_URL, f"{self.node_id}/{name}"))


class Resource(ABC):
    """One device. `power_w` tells its power at the grid side now; `gap_s` is the least time between two reports."""

    control_type: ClassVar[ControlType]
    role: ClassVar[RoleType]
    provides_forecast: ClassVar[bool] = False

    def __init__(self, identity: Identity, power_w: Callable[[], float], gap_s: float) -> None:
        self.identity = identity
        self.power_w = power_w
        self.controlled = False
        self.outcomes: Counter[str] = Counter()
        self.last_refusal = ""
        self._power_report = Reporting(MEASURE_EVERY_S, MEASURE_CHANGE_W, gap_s)

    # -- What it says ------------------------------------------------------------------------------------------------

    def details(self) -> ResourceManagerDetails:
        return ResourceManagerDetails(
            message_id=self.identity.new_id(),
            resource_id=str(self.identity.node_id),
            name=self.identity.name,
            roles=(Role(role=self.role, commodity=Commodity.ELECTRICITY),),
            instruction_processing_delay=PROCESSING_DELAY_MS,
            available_control_types=(self.control_type,),
            provides_forecast=self.provides_forecast,
            provides_power_measurement_types=(self.identity.quantity,),
        )

    def report(self, at_s: float) -> list[Message]:
        """What may be said whether or not anybody controls the device: its power, and a forecast."""
        power_w = self.power_w()
        if not self._power_report.due(at_s, power_w):
            return []
        value = PowerValue(commodity_quantity=self.identity.quantity, value=round(power_w, 1))
        return [
            PowerMeasurement(message_id=self.identity.new_id(), measurement_timestamp=utc(at_s), values=(value,)),
        ]

    def forget_reports(self) -> None:
        """A new session begins: nothing has been said in it."""
        self._power_report.forget()

    def take_control(self, at_s: float) -> list[Message]:
        """Somebody controls the device from now on. Returns everything that is on offer."""
        self.controlled = True
        return self.publish(at_s)

    @abstractmethod
    def publish(self, at_s: float) -> list[Message]:
        """The complete offer, as after each selection of the control type."""

    @abstractmethod
    def changes(self, at_s: float) -> list[Message]:
        """What is due under control: orders whose time has come, and statuses that have changed."""

    @abstractmethod
    def next_due_s(self) -> float | None:
        """When `changes` has to be asked next, sooner than at the next tick; None = no wish."""

    # -- What it is told ---------------------------------------------------------------------------------------------

    @abstractmethod
    def instruct(self, instruction: Instruction, at_s: float) -> list[Message]:
        """Obey, or refuse."""

    @abstractmethod
    def revoke(self, revocation: RevokeObject, at_s: float) -> list[Message]:
        """Let go of an instruction that the energy manager took back."""

    @abstractmethod
    def forget_instructions(self) -> None:
        """The session that they belong to is over. The device stays as it is, for a short while."""

    @abstractmethod
    def release(self, at_s: float) -> None:
        """Nobody controls the device any more: back to its own behaviour. Instructions are forgotten."""

    # -- For the subclasses ------------------------------------------------------------------------------------------

    def status(self, instruction_id: str, status: InstructionStatus, at_s: float) -> InstructionStatusUpdate:
        self.outcomes[status.value] += 1
        if status is InstructionStatus.STARTED:
            # An energy manager wants to see what its order did before it decides again.
            self._power_report.forget()
        return InstructionStatusUpdate(
            message_id=self.identity.new_id(), instruction_id=instruction_id, status_type=status, timestamp=utc(at_s)
        )

    def refuse(self, instruction: Instruction, reason: str, at_s: float, *, accepted: bool = False) -> list[Message]:
        """REJECTED; or ABORTED when it had been accepted and only now turns out to be impossible."""
        self.last_refusal = reason
        log.info("%s refuses %s: %s", self.identity.name, instruction.message_type, reason)
        status = InstructionStatus.ABORTED if accepted else InstructionStatus.REJECTED
        return [self.status(instruction.id, status, at_s)]
