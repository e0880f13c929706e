"""Fill rate based control: a store and the actuators that fill or empty it.

A mode's element says, for a band of fill levels, the power and the fill rate at factor 0 and at factor 1; between
them both are linear in the factor (R-57). The level moves by the fill rates of all actuators, less leakage and usage
(R-129).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import ClassVar, Self

from cem_service.domain.machines import Machine, machine_facts, what_actuators_miss
from cem_service.domain.quantities import bounded, ordered, total_power_w
from cem_service.domain.resource import CommonFacts, MessageSet, Resource
from cem_service.domain.series import StepSeries
from s2.messages import (
    ControlType,
    FRBCActuatorDescription,
    FRBCActuatorStatus,
    FRBCFillLevelTargetProfile,
    FRBCLeakageBehaviour,
    FRBCOperationMode,
    FRBCOperationModeElement,
    FRBCStorageStatus,
    FRBCSystemDescription,
    FRBCTimerStatus,
    FRBCUsageForecast,
)

J_PER_KWH = 3.6e6


@dataclass(frozen=True, slots=True)
class ModeElement:
    """Power in W and fill rate in level units per second, both at factor 0 and at factor 1, for a band of levels."""

    level_from: float
    level_to: float
    rate_at_0: float
    rate_at_1: float
    power_at_0_w: float
    power_at_1_w: float
    running_cost_eur_per_s: float = 0.0

    def power_w(self, factor: float) -> float:
        return self.power_at_0_w + factor * (self.power_at_1_w - self.power_at_0_w)

    def rate(self, factor: float) -> float:
        return self.rate_at_0 + factor * (self.rate_at_1 - self.rate_at_0)

    def factor_for(self, power_w: float) -> float:
        """The factor that comes nearest to `power_w` (R-135); 0 where the factor has no effect on power."""
        span = self.power_at_1_w - self.power_at_0_w
        return 0.0 if span == 0 else min(max((power_w - self.power_at_0_w) / span, 0.0), 1.0)

    @property
    def is_fixed(self) -> bool:
        """The factor changes nothing."""
        return self.power_at_0_w == self.power_at_1_w and self.rate_at_0 == self.rate_at_1


@dataclass(frozen=True, slots=True)
class Mode:
    """An operation mode; its elements are sorted by level."""

    mode_id: str
    label: str
    elements: tuple[ModeElement, ...]
    abnormal_condition_only: bool

    def element_at(self, level: float) -> ModeElement | None:
        """The element that holds at `level`; None where the mode cannot be used there (R-130).

        A level on the boundary of two bands belongs to the upper one, the top end to the last (R-134).
        """
        found: ModeElement | None = None
        for element in self.elements:
            slack = 1e-9 * max(abs(element.level_from), abs(element.level_to), 1.0)
            if element.level_from - slack <= level <= element.level_to + slack:
                found = element
        return found


@dataclass(frozen=True, kw_only=True, eq=False)
class Actuator(Machine[Mode]):
    """One that fills or empties the store."""

    actuator_id: str
    label: str

    @cached_property
    def largest_power_w(self) -> float:
        """The largest power in either direction that any usable mode can have."""
        ends = [
            abs(power_w)
            for mode in self.usable_modes
            for element in mode.elements
            for power_w in (element.power_at_0_w, element.power_at_1_w)
        ]
        return max(ends, default=0.0)


@dataclass(frozen=True, kw_only=True)
class FRBCResource(Resource):
    """A store with its actuators; `fill_level` is in the resource's own unit, which only its label names."""

    reads: ClassVar[tuple[ControlType, ...]] = (ControlType.FILL_RATE_BASED_CONTROL,)

    actuators: tuple[Actuator, ...] = ()
    lowest_level: float = 0.0
    highest_level: float = 0.0
    fill_level_label: str = ""
    fill_level: float | None = None
    leakage: tuple[tuple[float, float, float], ...] = ()  # (level from, level to, rate per second), sorted
    usage: StepSeries | None = None
    target_lower: StepSeries | None = None
    target_upper: StepSeries | None = None

    @classmethod
    def read(cls, known: MessageSet, now: datetime, common: CommonFacts) -> Self:
        description = known.latest(FRBCSystemDescription)
        if description is None:
            return cls(**common, not_ready="no system description yet")
        if description.valid_from > now:
            return cls(**common, not_ready=f"its system description holds from {description.valid_from.isoformat()}")
        status = known.latest(FRBCStorageStatus)
        actuators = tuple(_read_actuator(actuator, known) for actuator in description.actuators)
        lowest, highest = ordered(description.storage.fill_level_range)
        usage, target = known.latest(FRBCUsageForecast), known.latest(FRBCFillLevelTargetProfile)
        return cls(
            **common,
            actuators=actuators,
            lowest_level=lowest,
            highest_level=highest,
            fill_level_label=description.storage.fill_level_label or "",
            fill_level=None if status is None else bounded(status.present_fill_level),
            leakage=_read_leakage(known.latest(FRBCLeakageBehaviour), now),
            usage=_read_usage(usage) if usage else None,
            target_lower=_read_target(target, lower=True) if target else None,
            target_upper=_read_target(target, lower=False) if target else None,
            not_ready=_what_is_missing(status is None, actuators),
        )

    @property
    def controllable(self) -> bool:
        return self.ready

    @cached_property
    def kwh_per_unit(self) -> float:
        """Electric energy that moves the level by one unit, in kWh, judged by the fastest usable element.

        Where nothing says it (a gas boiler, ranges of 0 W) the whole store counts as one kilowatt-hour, so that
        comfort still weighs something.
        """
        ends = [
            (abs(rate), abs(power_w))
            for actuator in self.actuators
            for mode in actuator.usable_modes
            for element in mode.elements
            for rate, power_w in (
                (element.rate_at_0, element.power_at_0_w),
                (element.rate_at_1, element.power_at_1_w),
            )
        ]
        rate, power_w = max(ends, default=(0.0, 0.0))
        if rate > 0 and power_w > 0:
            return power_w / rate / J_PER_KWH
        return 1.0 / max(self.highest_level - self.lowest_level, 1e-9)

    @cached_property
    def can_discharge(self) -> bool:
        """Whether a usable mode gives power back."""
        return any(
            min(element.power_at_0_w, element.power_at_1_w) < 0
            for actuator in self.actuators
            for mode in actuator.usable_modes
            for element in mode.elements
        )

    @property
    def drains(self) -> bool:
        """Whether the store empties by itself, as a buffer for heat does."""
        return bool(self.leakage) or self.usage is not None

    def leakage_at(self, level: float) -> float:
        """Leakage in units per second; the nearest band counts outside all bands."""
        rate = 0.0
        for level_from, _, band_rate in self.leakage:
            if level_from <= level or level_from == self.leakage[0][0]:
                rate = band_rate
        return rate

    def described_power_w(self, now: datetime) -> float | None:
        del now
        if self.fill_level is None:
            return None
        powers = [actuator_power_w(actuator, self.fill_level) for actuator in self.actuators]
        known = [power_w for power_w in powers if power_w is not None]
        return sum(known) if powers and len(known) == len(powers) else None


def actuator_power_w(actuator: Actuator, level: float) -> float | None:
    """Power in W of the active mode at its factor; None where status or element is missing."""
    mode = actuator.active_mode
    element = mode.element_at(level) if mode else None
    return element.power_w(actuator.active_factor) if element else None


def _what_is_missing(no_level: bool, actuators: tuple[Actuator, ...]) -> str | None:
    if no_level:
        return "no storage status yet"
    return what_actuators_miss(actuators)


def _read_actuator(description: FRBCActuatorDescription, known: MessageSet) -> Actuator:
    statuses = [status for status in known.every(FRBCActuatorStatus) if status.actuator_id == description.id]
    status = statuses[-1] if statuses else None
    timers = [timer for timer in known.every(FRBCTimerStatus) if timer.actuator_id == description.id]
    return Actuator(
        actuator_id=description.id,
        label=description.diagnostic_label or "",
        modes={mode.id: _read_mode(mode) for mode in description.operation_modes},
        **machine_facts(description.transitions, description.timers, status, timers),
    )


def _read_mode(mode: FRBCOperationMode) -> Mode:
    elements = sorted((_read_element(element) for element in mode.elements), key=lambda element: element.level_from)
    return Mode(mode.id, mode.diagnostic_label or "", tuple(elements), mode.abnormal_condition_only)


def _read_element(element: FRBCOperationModeElement) -> ModeElement:
    lowest, highest = ordered(element.fill_level_range)
    starts = total_power_w((power.commodity_quantity, power.start_of_range) for power in element.power_ranges)
    ends = total_power_w((power.commodity_quantity, power.end_of_range) for power in element.power_ranges)
    costs = element.running_costs
    return ModeElement(
        level_from=lowest,
        level_to=highest,
        rate_at_0=bounded(element.fill_rate.start_of_range),
        rate_at_1=bounded(element.fill_rate.end_of_range),
        # A mode that only burns gas or moves heat takes no electric power.
        power_at_0_w=starts or 0.0,
        power_at_1_w=ends or 0.0,
        # The range expresses uncertainty and is not tied to the factor, so its middle is what to expect.
        running_cost_eur_per_s=bounded((costs.start_of_range + costs.end_of_range) / 2) if costs else 0.0,
    )


def _read_leakage(behaviour: FRBCLeakageBehaviour | None, now: datetime) -> tuple[tuple[float, float, float], ...]:
    if behaviour is None or behaviour.valid_from > now:
        return ()
    return tuple(sorted((*ordered(band.fill_level_range), bounded(band.leakage_rate)) for band in behaviour.elements))


def _read_usage(forecast: FRBCUsageForecast) -> StepSeries:
    pieces = ((element.duration, bounded(element.usage_rate_expected)) for element in forecast.elements)
    return StepSeries.consecutive(forecast.start_time, pieces)


def _read_target(profile: FRBCFillLevelTargetProfile, *, lower: bool) -> StepSeries:
    pieces = ((element.duration, ordered(element.fill_level_range)[0 if lower else 1]) for element in profile.elements)
    return StepSeries.consecutive(profile.start_time, pieces)
