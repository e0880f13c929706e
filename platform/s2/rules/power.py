"""Rules for what an RM measures and expects."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from operator import attrgetter

from s2.descriptions import SystemDescription
from s2.findings import Severity
from s2.messages import (
    Commodity,
    CommodityQuantity,
    ControlType,
    DDBCAverageDemandRateForecast,
    DDBCSystemDescription,
    FRBCSystemDescription,
    FRBCUsageForecast,
    OMBCSystemDescription,
    PowerForecast,
    PowerMeasurement,
    PPBCPowerProfileDefinition,
    ResourceManagerDetails,
    RoleType,
)
from s2.rules.places import crowded_places_of, expectations_of
from s2.rules.registry import Breach, Rule, Situation, rule

#: What a resource may measure against its role and still be itself: standby, auxiliaries, the meter's error. In W.
ROLE_TOLERANCE_W = 50.0

#: Bands that were computed may miss their order by rounding.
_ROUNDING = 1e-9

_SYMMETRIC = CommodityQuantity.ELECTRIC_POWER_3_PHASE_SYMMETRIC
_PHASES = frozenset(
    {
        CommodityQuantity.ELECTRIC_POWER_L1,
        CommodityQuantity.ELECTRIC_POWER_L2,
        CommodityQuantity.ELECTRIC_POWER_L3,
    }
)
_ELECTRIC_POWER = _PHASES | {_SYMMETRIC}


@rule(
    Rule(
        "R-27",
        "A measurement has only the quantities that the details name.",
        "schema ResourceManagerDetails",
        needs_session=True,
        softens=True,
    ),
    PowerMeasurement,
)
def quantity_is_announced(message: PowerMeasurement, situation: Situation) -> Iterator[Breach]:
    details = situation.resource.details
    if details is None:
        return
    announced = details.provides_power_measurement_types
    for index, each in enumerate(message.values):
        if each.commodity_quantity not in announced:
            yield f"$.values[{index}].commodity_quantity", f"should be one of {', '.join(announced)}, as in the details"


@rule(
    Rule(
        "R-28",
        "Only an RM whose details say that it forecasts does so.",
        "schema ResourceManagerDetails",
        needs_session=True,
        softens=True,
    ),
    PowerForecast,
)
def forecast_is_announced(_: PowerForecast, situation: Situation) -> Iterator[Breach]:
    details = situation.resource.details
    if details is not None and not details.provides_forecast:
        yield "$", "the details should say provides_forecast, or no forecast be sent"


_WithQuantities = PowerMeasurement | PowerForecast | PPBCPowerProfileDefinition | SystemDescription


@rule(
    Rule("R-29", "Each quantity occurs once in a list of powers.", "schema PowerMeasurement and others"),
    PowerMeasurement,
    PowerForecast,
    PPBCPowerProfileDefinition,
    OMBCSystemDescription,
    FRBCSystemDescription,
    DDBCSystemDescription,
)
def quantities_are_distinct(message: _WithQuantities, _: Situation) -> Iterator[Breach]:
    for path, entries in crowded_places_of(message):
        seen: set[CommodityQuantity] = set()
        for index, each in enumerate(entries):
            if each.commodity_quantity in seen:
                yield f"{path}[{index}].commodity_quantity", f"{each.commodity_quantity.value} should occur once here"
            seen.add(each.commodity_quantity)


@rule(
    Rule(
        "R-30",
        "Powers are told by phase (a single phase is L1) or as symmetric over three phases, not both at once.",
        "schema CommodityQuantity",
        Severity.WARNING,
    ),
    PowerMeasurement,
    PowerForecast,
    PPBCPowerProfileDefinition,
    OMBCSystemDescription,
    FRBCSystemDescription,
    DDBCSystemDescription,
    ResourceManagerDetails,
)
def phases_are_told_in_one_way(message: _WithQuantities | ResourceManagerDetails, _: Situation) -> Iterator[Breach]:
    if isinstance(message, ResourceManagerDetails):
        if _mixes_phases(message.provides_power_measurement_types):
            yield "$.provides_power_measurement_types", _ONE_WAY
        return
    for path, entries in crowded_places_of(message):
        if _mixes_phases(each.commodity_quantity for each in entries):
            yield path, _ONE_WAY


_ONE_WAY = f"should hold {_SYMMETRIC.value} or single phases, not both"


def _mixes_phases(quantities: Iterable[CommodityQuantity]) -> bool:
    present = set(quantities)
    return _SYMMETRIC in present and not present.isdisjoint(_PHASES)


_BANDS = ("lower_limit", "lower_95PPR", "lower_68PPR", "expected", "upper_68PPR", "upper_95PPR", "upper_limit")
_POWER_BANDS, _USAGE_BANDS, _DEMAND_BANDS = (
    tuple(f"{what}_{band}" for band in _BANDS) for what in ("value", "usage_rate", "demand_rate")
)
_BandsOf = Callable[[object], tuple[float | None, ...]]
_power_bands: _BandsOf = attrgetter(*_POWER_BANDS)
_usage_bands: _BandsOf = attrgetter(*_USAGE_BANDS)
_demand_bands: _BandsOf = attrgetter(*_DEMAND_BANDS)


@rule(
    # The published walk-through of a solar roof has them the wrong way round.
    Rule(
        "R-31",
        "Probability bands do not fall from the lower limit over the expected value to the upper limit.",
        "s2-kit S2-PM-003",
        Severity.WARNING,
    ),
    PowerForecast,
    PPBCPowerProfileDefinition,
    FRBCUsageForecast,
    DDBCAverageDemandRateForecast,
)
def bands_are_ordered(
    message: PowerForecast | PPBCPowerProfileDefinition | FRBCUsageForecast | DDBCAverageDemandRateForecast,
    _: Situation,
) -> Iterator[Breach]:
    match message:
        case FRBCUsageForecast():
            yield from _falls([("$.elements", message.elements)], _usage_bands, _USAGE_BANDS)
        case DDBCAverageDemandRateForecast():
            yield from _falls([("$.elements", message.elements)], _demand_bands, _DEMAND_BANDS)
        case _:
            yield from _falls(expectations_of(message), _power_bands, _POWER_BANDS)


def _falls(
    places: Iterable[tuple[str, Sequence[object]]], bands_of: _BandsOf, names: tuple[str, ...]
) -> Iterator[Breach]:
    """Where a band of an entry lies below the one that should be lower."""
    for path, entries in places:
        for index, each in enumerate(entries):
            low = -math.inf
            for band in bands_of(each):
                if band is None:
                    continue
                if band < low:
                    yield from _steps_down(f"{path}[{index}]", bands_of(each), names)
                    break
                low = band


def _steps_down(path: str, bands: tuple[float | None, ...], names: tuple[str, ...]) -> Iterator[Breach]:
    named = [(name, band) for name, band in zip(names, bands, strict=True) if band is not None]
    for (lower, low), (upper, high) in pairwise(named):
        if low > high and not math.isclose(low, high, rel_tol=_ROUNDING, abs_tol=_ROUNDING):
            yield f"{path}.{upper}", f"{high:g} should not be below {lower}, {low:g}"


@rule(
    # Evidence only: nobody but the owner of the device knows which way its power really flows.
    Rule(
        "R-32",
        "Consumption is positive and production negative, seen from the resource.",
        "S2 documentation, common concepts",
        Severity.WARNING,
        needs_session=True,
    ),
    PowerMeasurement,
)
def sign_fits_the_role(message: PowerMeasurement, situation: Situation) -> Iterator[Breach]:
    power_w = 0.0
    for each in message.values:
        if each.commodity_quantity in _ELECTRIC_POWER:
            power_w += each.value
    if -ROLE_TOLERANCE_W <= power_w <= ROLE_TOLERANCE_W:
        return
    details = situation.resource.details
    role = None if details is None else _electric_role(details)
    if role is RoleType.ENERGY_PRODUCER and power_w > 0.0:
        yield "$.values", f"{power_w:g} W would be consumed; what a producer produces is negative"
    elif role is RoleType.ENERGY_CONSUMER and power_w < 0.0 and not _may_be_a_meter(details):
        yield "$.values", f"{power_w:g} W would be produced; what a consumer consumes is positive"


def _electric_role(details: ResourceManagerDetails) -> RoleType | None:
    """What the resource does with electricity; None where it does nothing or several things with it."""
    role = None
    for each in details.roles:
        if each.commodity is Commodity.ELECTRICITY:
            if role is not None:
                return None
            role = each.role
    return role


def _may_be_a_meter(details: ResourceManagerDetails | None) -> bool:
    """A consumer that only measures may be the meter of a whole home with a roof: the standard has no role for it."""
    return details is not None and set(details.available_control_types) == {ControlType.NOT_CONTROLABLE}
