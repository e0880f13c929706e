"""Power envelope based control: the resource does what it wants between two limits that we may draw narrower."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Self

from cem_service.domain.quantities import ELECTRIC, SYMMETRIC, bounded
from cem_service.domain.resource import CommonFacts, MessageSet, Resource
from cem_service.domain.series import StepSeries
from s2.messages import (
    CommodityQuantity,
    ControlType,
    PEBCEnergyConstraint,
    PEBCPowerConstraints,
    PEBCPowerEnvelopeConsequenceType,
    PEBCPowerEnvelopeLimitType,
)

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class QuantityLimits:
    """What one quantity's limits may be, each a union of intervals in W (R-72).

    `least_upper_w` and `greatest_lower_w` come from energy constraints: the envelope has to leave room for the energy
    that the resource must be able to take or give (R-80).
    """

    quantity: CommodityQuantity
    upper: tuple[Interval, ...]
    lower: tuple[Interval, ...]
    least_upper_w: float | None = None
    greatest_lower_w: float | None = None

    @property
    def widest(self) -> tuple[float, float]:
        """(lower limit, upper limit) that leave the resource all the freedom on offer."""
        return min(start for start, _ in self.lower), max(end for _, end in self.upper)

    def offers(self, lower_w: float, upper_w: float) -> bool:
        """Whether these two limits may be drawn (R-73, R-76)."""
        return (
            lower_w <= upper_w
            and any(start <= lower_w <= end for start, end in self.lower)
            and any(start <= upper_w <= end for start, end in self.upper)
        )

    def upper_limit_for(self, wanted_w: float) -> float:
        """The highest allowed upper limit that is at most `wanted_w`, or else the lowest allowed one.

        Never one that is too low for an energy constraint, where any allowed one is high enough.
        """
        ranges = self.upper
        if self.least_upper_w is not None:
            enough = tuple((max(start, self.least_upper_w), end) for start, end in ranges if end >= self.least_upper_w)
            ranges = enough or ((self.widest[1], self.widest[1]),)
        return _highest_up_to(wanted_w, ranges)

    def lower_limit_for(self, wanted_w: float) -> float:
        """The lowest allowed lower limit that is at least `wanted_w`, or else the highest allowed one.

        Never one that is too high for an energy constraint, where any allowed one is low enough.
        """
        ranges = self.lower
        if self.greatest_lower_w is not None:
            most_w = self.greatest_lower_w
            enough = tuple((start, min(end, most_w)) for start, end in ranges if start <= most_w)
            ranges = enough or ((self.widest[0], self.widest[0]),)
        return -_highest_up_to(-wanted_w, tuple((-end, -start) for start, end in ranges))


def _highest_up_to(wanted_w: float, ranges: tuple[Interval, ...]) -> float:
    below = [min(end, wanted_w) for start, end in ranges if start <= wanted_w]
    return max(below) if below else min(start for start, _ in ranges)


@dataclass(frozen=True, slots=True)
class EnergyWindow:
    """The mean power in W of one quantity that the resource takes between two moments: at least, and at most."""

    quantity: CommodityQuantity
    start: datetime
    end: datetime
    least_w: float
    most_w: float


@dataclass(frozen=True, kw_only=True)
class PEBCResource(Resource):
    """`free` is the power that the resource is expected to take if it is left to itself; planners fill it in."""

    reads: ClassVar[tuple[ControlType, ...]] = (ControlType.POWER_ENVELOPE_BASED_CONTROL,)

    constraints_id: str = ""
    valid_until: datetime | None = None
    energy_is_lost: bool = False  # consequence type VANISH: curtailed energy does not come back
    limits: tuple[QuantityLimits, ...] = ()
    windows: tuple[EnergyWindow, ...] = ()  # of the quantities in `limits`, those that are over left out
    free: StepSeries | None = field(default=None, compare=False)

    @classmethod
    def read(cls, known: MessageSet, now: datetime, common: CommonFacts) -> Self:
        every = known.every(PEBCPowerConstraints)
        in_force = [
            one for one in every if one.valid_from <= now and (one.valid_until is None or now < one.valid_until)
        ]
        if not in_force:
            return cls(**common, not_ready="no power constraints in force")
        constraints = max(in_force, key=lambda one: one.valid_from)
        energy = [one for one in known.every(PEBCEnergyConstraint) if one.valid_from <= now < one.valid_until]
        limits = _read_limits(constraints, energy)
        return cls(
            **common,
            constraints_id=constraints.id,
            valid_until=constraints.valid_until,
            energy_is_lost=constraints.consequence_type is PEBCPowerEnvelopeConsequenceType.VANISH,
            limits=limits,
            windows=_read_windows(known, limits, now),
            not_ready=None if limits else "its power constraints offer no electric quantity with both limits",
        )

    @property
    def controllable(self) -> bool:
        return self.ready

    @property
    def widest_w(self) -> tuple[float, float]:
        """(lowest, highest) total power in W that the offered limits allow."""
        return (
            bounded(sum(limits.widest[0] for limits in self.limits)),
            bounded(sum(limits.widest[1] for limits in self.limits)),
        )

    @property
    def can_produce(self) -> bool:
        return self.widest_w[0] < 0

    @property
    def can_consume(self) -> bool:
        return self.widest_w[1] > 0


def _read_windows(known: MessageSet, limits: tuple[QuantityLimits, ...], now: datetime) -> tuple[EnergyWindow, ...]:
    quantities = {one.quantity for one in limits}
    return tuple(
        EnergyWindow(
            one.commodity_quantity, one.valid_from, one.valid_until, one.lower_average_power, one.upper_average_power
        )
        for one in known.every(PEBCEnergyConstraint)
        if one.commodity_quantity in quantities and now < one.valid_until
    )


def _read_limits(constraints: PEBCPowerConstraints, energy: list[PEBCEnergyConstraint]) -> tuple[QuantityLimits, ...]:
    quantities = [quantity for quantity in ELECTRIC if _intervals(constraints, quantity, upper=True)]
    quantities = [quantity for quantity in quantities if _intervals(constraints, quantity, upper=False)]
    if SYMMETRIC in quantities:
        quantities = [SYMMETRIC]  # The total over three phases; with single phases beside it power would count twice.
    offered = (
        QuantityLimits(
            quantity=quantity,
            upper=_intervals(constraints, quantity, upper=True),
            lower=_intervals(constraints, quantity, upper=False),
            least_upper_w=max(
                (
                    one.upper_average_power
                    for one in energy
                    if one.commodity_quantity is quantity and one.upper_average_power > 0
                ),
                default=None,
            ),
            greatest_lower_w=min(
                (
                    one.lower_average_power
                    for one in energy
                    if one.commodity_quantity is quantity and one.lower_average_power < 0
                ),
                default=None,
            ),
        )
        for quantity in quantities
    )
    # An offer whose lowest lower limit lies above its highest upper one allows no envelope at all.
    return tuple(limits for limits in offered if limits.widest[0] <= limits.widest[1])


def _intervals(constraints: PEBCPowerConstraints, quantity: CommodityQuantity, *, upper: bool) -> tuple[Interval, ...]:
    """The allowed values of one limit, sorted; ranges for abnormal conditions do not count (R-76)."""
    wanted = PEBCPowerEnvelopeLimitType.UPPER_LIMIT if upper else PEBCPowerEnvelopeLimitType.LOWER_LIMIT
    found = []
    for allowed in constraints.allowed_limit_ranges:
        if (
            allowed.commodity_quantity is quantity
            and allowed.limit_type is wanted
            and not allowed.abnormal_condition_only
        ):
            # Not bounded: a limit has to be one of the very numbers that were offered.
            ends = (allowed.range_boundary.start_of_range, allowed.range_boundary.end_of_range)
            found.append((min(ends), max(ends)))
    return tuple(sorted(found))
