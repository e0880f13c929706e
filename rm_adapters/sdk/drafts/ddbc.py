"""Drafts for Demand Driven Based Control. The demand itself is part of the `Offer`: versions bear it differently."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from rm_adapters.sdk.drafts.ranges import DRAFT, OPEN, number_range
from rm_adapters.sdk.units import to_ms
from s2.messages import (
    Commodity,
    DDBCActuatorDescription,
    DDBCAverageDemandRateForecast,
    DDBCAverageDemandRateForecastElement,
    DDBCOperationMode,
    DDBCSystemDescription,
    PowerRange,
    Timer,
    Transition,
)


def ddbc_mode(
    mode_id: str, label: str, supply: tuple[float, float], *powers: PowerRange, abnormal_only: bool = False
) -> DDBCOperationMode:
    """A mode with what it supplies at factor 0 and 1, in the unit of the demand."""
    return DDBCOperationMode(
        id=mode_id,
        diagnostic_label=label,
        power_ranges=powers,
        supply_range=number_range(*supply),
        abnormal_condition_only=abnormal_only,
    )


def ddbc_actuator(
    actuator_id: str,
    label: str,
    *,
    commodities: Iterable[Commodity],
    modes: Iterable[DDBCOperationMode],
    transitions: Iterable[Transition] = (),
    timers: Iterable[Timer] = (),
) -> DDBCActuatorDescription:
    return DDBCActuatorDescription(
        id=actuator_id,
        diagnostic_label=label,
        supported_commodities=tuple(commodities),
        operation_modes=tuple(modes),
        transitions=tuple(transitions),
        timers=tuple(timers),
    )


def ddbc_description(*actuators: DDBCActuatorDescription, forecasts: bool = False) -> DDBCSystemDescription:
    return DDBCSystemDescription(
        message_id=DRAFT, valid_from=OPEN, actuators=actuators, provides_average_demand_rate_forecast=forecasts
    )


def demand_forecast(start: datetime, step: timedelta, expected: Iterable[float]) -> DDBCAverageDemandRateForecast:
    return DDBCAverageDemandRateForecast(
        message_id=DRAFT,
        start_time=start,
        elements=tuple(
            DDBCAverageDemandRateForecastElement(duration=to_ms(step), demand_rate_expected=rate) for rate in expected
        ),
    )
