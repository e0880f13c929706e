"""Rules for the energy that a PEBC resource has to be able to take or give."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from s2.findings import Severity
from s2.messages import (
    CommodityQuantity,
    PEBCEnergyConstraint,
    PEBCInstruction,
    PEBCPowerConstraints,
    PEBCPowerEnvelope,
    PEBCPowerEnvelopeLimitType,
)
from s2.rules.envelopes import duration_ms, envelopes_of
from s2.rules.instructions import moment_of
from s2.rules.registry import Breach, Rule, Situation, rule

#: An average that was computed may miss by rounding, as a share of it.
_RELATIVE_TOLERANCE = 1e-6

#: An envelope that ends this much before the window does still covers it: it was cut to whole elements.
_CUT_OFF_S = 1.0


@rule(
    Rule(
        "R-79",
        "An energy constraint ends after it begins, and its lower average does not exceed its upper one.",
        "schema PEBC.EnergyConstraint",
    ),
    PEBCEnergyConstraint,
)
def energy_constraint_is_ordered(message: PEBCEnergyConstraint, _: Situation) -> Iterator[Breach]:
    lower, upper = message.lower_average_power, message.upper_average_power
    if lower > upper:
        yield "$.lower_average_power", f"{lower:g} should not exceed upper_average_power {upper:g}"
    if message.valid_until <= message.valid_from:
        yield "$.valid_until", "should be after valid_from"


@rule(
    # The standard does not say how the energy is counted that flowed before the envelope began.
    Rule(
        "R-80",
        "An envelope leaves room for the energy that the resource may take or give.",
        "schema PEBC.EnergyConstraint",
        Severity.WARNING,
        needs_session=True,
    ),
    PEBCInstruction,
)
def envelope_leaves_room(message: PEBCInstruction, situation: Situation) -> Iterator[Breach]:
    resource = situation.resource
    if not resource.energy_constraints:
        return
    begin = moment_of(message, situation.now)
    constraints = resource.constraints_at(message.power_constraints_id, begin)
    if constraints is None:
        return
    courses = _courses(message, constraints)
    for each in resource.energy_constraints.values():
        course = courses.get(each.commodity_quantity)
        if course is not None and begin < each.valid_until:
            yield from course.shortages(each, begin)


@dataclass(frozen=True, slots=True)
class _Course:
    """The limits of an envelope over time, in s since it began, and the widest limits that the constraints allow."""

    path: str
    steps: tuple[tuple[float, float, float, float], ...]  # (from, until, lower limit, upper limit)
    length_s: float
    widest_lower: float
    widest_upper: float

    def shortages(self, energy: PEBCEnergyConstraint, begin: datetime) -> Iterator[Breach]:
        """Where the limits, averaged over the window, are too narrow. Nothing wider is asked than what is on offer."""
        averages = self._averages(energy, begin)
        if averages is None:
            return
        lower, upper = averages
        until = f"on average until {energy.valid_until:%Y-%m-%dT%H:%M:%S%z}, says energy constraint {energy.id}"
        need = min(energy.upper_average_power, self.widest_upper)
        if need > 0.0 and upper < need * (1.0 - _RELATIVE_TOLERANCE):
            yield self.path, f"upper limits of {upper:g} should leave room for {need:g} {until}"
        need = max(energy.lower_average_power, self.widest_lower)
        if need < 0.0 and lower > need * (1.0 - _RELATIVE_TOLERANCE):
            yield self.path, f"lower limits of {lower:g} should leave room for {need:g} {until}"

    def _averages(self, energy: PEBCEnergyConstraint, begin: datetime) -> tuple[float, float] | None:
        """The lower and the upper limits over the window; None where the envelope does not last until its end.

        What flowed before the envelope began is not known: it counts as the most that was on offer.
        """
        window_s = (energy.valid_until - energy.valid_from).total_seconds()
        # The moments at which the window begins and ends, in s since the envelope began.
        opens_s = (energy.valid_from - begin).total_seconds()
        closes_s = opens_s + window_s
        if window_s <= 0.0 or self.length_s < closes_s - _CUT_OFF_S:
            return None
        lower = upper = covered = 0.0
        for from_s, until_s, lower_limit, upper_limit in self.steps:
            share = (min(until_s, closes_s) - max(from_s, opens_s)) / window_s
            if share > 0.0:
                covered += share
                lower += share * lower_limit
                upper += share * upper_limit
        rest = max(1.0 - covered, 0.0)
        return lower + rest * self.widest_lower, upper + rest * self.widest_upper


def _courses(message: PEBCInstruction, constraints: PEBCPowerConstraints) -> dict[CommodityQuantity, _Course]:
    """The course of each quantity. A second envelope of one is left out; R-74 finds it."""
    courses: dict[CommodityQuantity, _Course] = {}
    for path, envelope in envelopes_of(message):
        quantity = envelope.commodity_quantity
        lower = _boundaries(constraints, quantity, PEBCPowerEnvelopeLimitType.LOWER_LIMIT)
        upper = _boundaries(constraints, quantity, PEBCPowerEnvelopeLimitType.UPPER_LIMIT)
        if quantity not in courses and lower and upper:
            length_s = duration_ms(envelope) / 1000
            courses[quantity] = _Course(path, tuple(_steps(envelope)), length_s, min(lower), max(upper))
    return courses


def _boundaries(
    constraints: PEBCPowerConstraints, quantity: CommodityQuantity, limit_type: PEBCPowerEnvelopeLimitType
) -> list[float]:
    return [
        boundary
        for each in constraints.allowed_limit_ranges
        if each.commodity_quantity is quantity and each.limit_type is limit_type
        for boundary in (each.range_boundary.start_of_range, each.range_boundary.end_of_range)
    ]


def _steps(envelope: PEBCPowerEnvelope) -> Iterator[tuple[float, float, float, float]]:
    from_s = 0.0
    for element in envelope.power_envelope_elements:
        until_s = from_s + element.duration / 1000
        yield from_s, until_s, element.lower_limit, element.upper_limit
        from_s = until_s
