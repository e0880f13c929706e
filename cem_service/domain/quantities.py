"""Sums of S2 quantities, and bounds on numbers that are legal but beyond any device."""

from __future__ import annotations

from collections.abc import Iterable

from s2.messages import CommodityQuantity, NumberRange

PHASES = (CommodityQuantity.ELECTRIC_POWER_L1, CommodityQuantity.ELECTRIC_POWER_L2, CommodityQuantity.ELECTRIC_POWER_L3)
SYMMETRIC = CommodityQuantity.ELECTRIC_POWER_3_PHASE_SYMMETRIC
ELECTRIC = (*PHASES, SYMMETRIC)

# The power in W that one unit of a fuel's flow bears, by lower heating values: 9.77 Wh in a litre of natural gas,
# 33.3 Wh in a gram of hydrogen, 10 kWh in a litre of heating oil, whose flow is in litres per hour.
FUELS_W = {
    CommodityQuantity.NATURAL_GAS_FLOW_RATE: 9.77 * 3600.0,
    CommodityQuantity.HYDROGEN_FLOW_RATE: 33.3 * 3600.0,
    CommodityQuantity.OIL_FLOW_RATE: 10_000.0,
}

# 1e308 and 5e-324 are legal JSON numbers. Sums, products and quotients of numbers bounded like this stay finite.
LARGEST = 1e12
SMALLEST = 1e-15


def bounded(number: float) -> float:
    """The number within what arithmetic can bear; what is next to nothing becomes 0."""
    size = abs(number)
    if SMALLEST <= size <= LARGEST:  # Nearly always, and each number of each message is asked for.
        return float(number)
    return 0.0 if size < SMALLEST else min(max(float(number), -LARGEST), LARGEST)


def total_power_w(values: Iterable[tuple[CommodityQuantity, float]]) -> float | None:
    """Electric power over all phases in W; None where no quantity is electric.

    3_PHASE_SYMMETRIC is the total over three phases already. A peer that mixes it with single phases (a warning,
    R-30) would be counted twice, so the total wins.
    """
    electric = {quantity: bounded(value) for quantity, value in values if quantity in ELECTRIC}
    if SYMMETRIC in electric:
        return electric[SYMMETRIC]
    return sum(electric.values()) if electric else None


def fuel_power_w(values: Iterable[tuple[CommodityQuantity, float]]) -> float:
    """The power that flows in as fuel, in W; 0 where nothing is burnt."""
    return bounded(sum(bounded(value) * FUELS_W[quantity] for quantity, value in values if quantity in FUELS_W))


def ordered(number_range: NumberRange) -> tuple[float, float]:
    """(lower, upper), whichever end is written first."""
    start, end = bounded(number_range.start_of_range), bounded(number_range.end_of_range)
    return min(start, end), max(start, end)
