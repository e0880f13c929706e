"""Operation mode based control: a device with modes and nothing to store, such as a generator or a resistor.

What the device is good for is not said, so a mode costs what its energy costs and what the Resource Manager adds to it
as running costs. Where somebody needs the device, its Resource Manager keeps it on by itself (R-59), or refuses.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from cem_service.domain.machines import Machine, machine_facts
from cem_service.domain.power_mode import PowerMode, power_facts
from cem_service.domain.resource import CommonFacts, MessageSet, Resource
from s2.messages import ControlType, OMBCStatus, OMBCSystemDescription, OMBCTimerStatus


@dataclass(frozen=True, kw_only=True)
class OMBCResource(Resource):
    """`machine` is None while there is no description in force."""

    reads: ClassVar[tuple[ControlType, ...]] = (ControlType.OPERATION_MODE_BASED_CONTROL,)

    machine: Machine[PowerMode] | None = None

    @classmethod
    def read(cls, known: MessageSet, now: datetime, common: CommonFacts) -> Self:
        description = known.latest(OMBCSystemDescription)
        if description is None:
            return cls(**common, not_ready="no system description yet")
        if description.valid_from > now:
            return cls(**common, not_ready=f"its system description holds from {description.valid_from.isoformat()}")
        status, timers = known.latest(OMBCStatus), known.every(OMBCTimerStatus)
        machine = Machine(
            modes={mode.id: PowerMode(mode_id=mode.id, **power_facts(mode)) for mode in description.operation_modes},
            **machine_facts(description.transitions, description.timers, status, timers),
        )
        missing = None
        if machine.active_mode is None:
            missing = "no status yet, or one with an unknown mode"
        elif not machine.usable_modes:
            missing = "all its operation modes are for abnormal conditions"
        return cls(**common, machine=machine, not_ready=missing)

    @property
    def controllable(self) -> bool:
        return self.ready

    def described_power_w(self, now: datetime) -> float | None:
        del now
        mode = self.machine.active_mode if self.machine else None
        return None if mode is None or self.machine is None else mode.power_w(self.machine.active_factor)
