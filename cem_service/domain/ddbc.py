"""Demand driven based control: actuators that have to supply what is demanded, and differ in what they take for it.

A demand, and what a mode supplies, are rates in a unit that nobody names: heat in W, or litres of water per second.
All actuators together are to supply something within the demanded range (R-141).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import ClassVar, Self

from cem_service.domain.machines import Machine, machine_facts, what_actuators_miss
from cem_service.domain.power_mode import PowerMode, power_facts
from cem_service.domain.quantities import bounded, ordered
from cem_service.domain.resource import CommonFacts, MessageSet, Resource
from cem_service.domain.series import StepSeries
from s2.messages import (
    ControlType,
    DDBCActuatorDescription,
    DDBCActuatorStatus,
    DDBCAverageDemandRateForecast,
    DDBCOperationMode,
    DDBCPresentDemandStatus,
    DDBCSystemDescription,
    DDBCTimerStatus,
)

# What a demand counts as where no actuator takes electricity, so that comfort still weighs something.
LARGEST_SUPPLY_W = 1000.0


@dataclass(frozen=True, kw_only=True, eq=False)
class DDBCActuator(Machine[PowerMode]):
    """Its modes are known by it and their id together (R-146)."""

    actuator_id: str
    label: str


@dataclass(frozen=True, kw_only=True)
class DDBCResource(Resource):
    """`demand` is (least, most) that is to be supplied now; `demand_forecast` the average expected later on."""

    reads: ClassVar[tuple[ControlType, ...]] = (ControlType.DEMAND_DRIVEN_BASED_CONTROL,)

    actuators: tuple[DDBCActuator, ...] = ()
    demand: tuple[float, float] | None = None
    demand_forecast: StepSeries | None = None

    @classmethod
    def read(cls, known: MessageSet, now: datetime, common: CommonFacts) -> Self:
        description = known.latest(DDBCSystemDescription)
        if description is None:
            return cls(**common, not_ready="no system description yet")
        if description.valid_from > now:
            return cls(**common, not_ready=f"its system description holds from {description.valid_from.isoformat()}")
        actuators = tuple(_read_actuator(actuator, known) for actuator in description.actuators)
        status, forecast = known.latest(DDBCPresentDemandStatus), known.latest(DDBCAverageDemandRateForecast)
        # 1.0.0 tells the demand by itself, 0.0.2-beta in the description.
        demand = status.present_demand_rate if status else description.present_demand_rate
        return cls(
            **common,
            actuators=actuators,
            demand=ordered(demand) if demand else None,
            demand_forecast=_read_forecast(forecast) if forecast else None,
            not_ready=_what_is_missing(demand is None and forecast is None, actuators),
        )

    @property
    def controllable(self) -> bool:
        return self.ready

    @cached_property
    def w_per_supply(self) -> float:
        """The electric power that one unit of supply takes, in W, judged by the mode that supplies most for it.

        Where no mode takes electricity, the largest supply of all counts as LARGEST_SUPPLY_W.
        """
        ends = [
            (abs(supply), max(power_w, 0.0))
            for actuator in self.actuators
            for mode in actuator.usable_modes
            for supply, power_w in ((mode.supply_at_0, mode.power_at_0_w), (mode.supply_at_1, mode.power_at_1_w))
        ]
        largest, power_w = max((end for end in ends if end[1] > 0), default=(0.0, 0.0))
        if largest > 0 and power_w > 0:
            return power_w / largest
        return LARGEST_SUPPLY_W / max(max((supply for supply, _ in ends), default=0.0), 1e-9)

    def described_power_w(self, now: datetime) -> float | None:
        del now
        powers = [
            mode.power_w(actuator.active_factor)
            for actuator in self.actuators
            if (mode := actuator.active_mode) is not None
        ]
        return sum(powers) if powers and len(powers) == len(self.actuators) else None


def _read_actuator(description: DDBCActuatorDescription, known: MessageSet) -> DDBCActuator:
    statuses = [status for status in known.every(DDBCActuatorStatus) if status.actuator_id == description.id]
    timers = [timer for timer in known.every(DDBCTimerStatus) if timer.actuator_id == description.id]
    return DDBCActuator(
        actuator_id=description.id,
        label=description.diagnostic_label or "",
        modes={mode.id: _read_mode(mode) for mode in description.operation_modes},
        **machine_facts(description.transitions, description.timers, statuses[-1] if statuses else None, timers),
    )


def _read_mode(mode: DDBCOperationMode) -> PowerMode:
    return PowerMode(
        mode_id=mode.id,
        supply_at_0=bounded(mode.supply_range.start_of_range),
        supply_at_1=bounded(mode.supply_range.end_of_range),
        **power_facts(mode),
    )


def _what_is_missing(no_demand: bool, actuators: tuple[DDBCActuator, ...]) -> str | None:
    if no_demand:
        return "no demand told yet"
    return what_actuators_miss(actuators)


def _read_forecast(forecast: DDBCAverageDemandRateForecast) -> StepSeries:
    pieces = ((element.duration, bounded(element.demand_rate_expected)) for element in forecast.elements)
    return StepSeries.consecutive(forecast.start_time, pieces)
