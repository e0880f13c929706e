"""Forecasts of power, for every control type and for none."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from rm_adapters.sdk.drafts.ranges import DRAFT
from rm_adapters.sdk.units import to_ms
from s2.messages import CommodityQuantity, PowerForecast, PowerForecastElement, PowerForecastValue


def power_forecast(
    start: datetime,
    step: timedelta,
    expected: Iterable[float],
    *,
    quantity: CommodityQuantity,
    spread: float | None = None,
) -> PowerForecast:
    """Steps of equal length from `start` on. `spread` is the share of the value within which it will be in 68 of 100.

    The bands come in the order of the numbers, also where these are negative (R-31).
    """
    return PowerForecast(
        message_id=DRAFT,
        start_time=start,
        elements=tuple(
            PowerForecastElement(duration=to_ms(step), power_values=(expectation(value, quantity, spread),))
            for value in expected
        ),
    )


def expectation(value: float, quantity: CommodityQuantity, spread: float | None = None) -> PowerForecastValue:
    margin = None if spread is None else abs(value) * spread
    return PowerForecastValue(
        value_upper_68PPR=None if margin is None else value + margin,
        value_expected=value,
        value_lower_68PPR=None if margin is None else value - margin,
        commodity_quantity=quantity,
    )
