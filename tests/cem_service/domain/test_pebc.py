from __future__ import annotations

from datetime import timedelta

from cem_service.domain.pebc import PEBCResource
from cem_service.domain.resource import Resource
from s2.messages import (
    ControlType,
    Message,
    PEBCAllowedLimitRange,
    PEBCEnergyConstraint,
    PEBCPowerConstraints,
    PEBCPowerEnvelopeConsequenceType,
    PEBCPowerEnvelopeLimitType,
)
from tests.support.resources import L1, NOON, allowed, link_id, new_id, solar

UPPER, LOWER = PEBCPowerEnvelopeLimitType.UPPER_LIMIT, PEBCPowerEnvelopeLimitType.LOWER_LIMIT


def read(
    *ranges: PEBCAllowedLimitRange, extra: tuple[Message, ...] = (), until: timedelta | None = None
) -> PEBCResource:
    constraints = PEBCPowerConstraints(
        message_id=new_id(),
        id="constraints",
        valid_from=NOON - timedelta(hours=1),
        valid_until=None if until is None else NOON + until,
        consequence_type=PEBCPowerEnvelopeConsequenceType.VANISH,
        allowed_limit_ranges=ranges,
    )
    resource = Resource.from_messages(
        link_id("pebc"), "pebc", [constraints, *extra], ControlType.POWER_ENVELOPE_BASED_CONTROL, NOON
    )
    assert isinstance(resource, PEBCResource)
    return resource


def test_reads_the_freedom_on_offer() -> None:
    resource = solar()

    assert resource.ready
    assert resource.widest_w == (-6000.0, 0.0)
    assert resource.can_produce
    assert not resource.can_consume
    assert resource.energy_is_lost


def test_limits_snap_to_the_union_of_the_allowed_intervals() -> None:
    limits = read(allowed(UPPER, 0, 0), allowed(LOWER, -6000, -4000), allowed(LOWER, -1000, 0)).limits[0]

    assert limits.lower_limit_for(-5000) == -5000
    assert limits.lower_limit_for(-3000) == -1000
    assert limits.lower_limit_for(500) == 0
    assert limits.lower_limit_for(-9000) == -6000


def test_upper_limits_stay_at_or_below_what_is_wanted_where_they_can() -> None:
    limits = read(allowed(UPPER, 1400, 7400), allowed(UPPER, 0, 0), allowed(LOWER, 0, 0)).limits[0]

    assert limits.upper_limit_for(5000) == 5000
    assert limits.upper_limit_for(1000) == 0
    assert limits.upper_limit_for(-100) == 0


def test_ranges_for_abnormal_conditions_do_not_count() -> None:
    resource = read(allowed(UPPER, 0, 0), allowed(LOWER, -6000, 0, abnormal=True))

    assert "no electric quantity with both limits" in (resource.not_ready or "")


def test_constraints_count_while_they_are_in_force() -> None:
    ranges = (allowed(UPPER, 0, 0), allowed(LOWER, -6000, 0))

    assert read(*ranges, until=timedelta(minutes=1)).ready
    assert not read(*ranges, until=timedelta()).ready


def test_of_several_constraints_those_count_that_began_last() -> None:
    """What was published for later waits for its time (R-75)."""

    def published(name: str, begins: timedelta) -> PEBCPowerConstraints:
        return PEBCPowerConstraints(
            message_id=new_id(),
            id=name,
            valid_from=NOON + begins,
            consequence_type=PEBCPowerEnvelopeConsequenceType.VANISH,
            allowed_limit_ranges=(allowed(UPPER, 0, 0), allowed(LOWER, -6000, 0)),
        )

    def in_force(*begins_min: int) -> str:
        coming = [published(f"{each}", timedelta(minutes=each)) for each in begins_min]
        resource = Resource.from_messages(
            link_id("pebc"), "pebc", coming, ControlType.POWER_ENVELOPE_BASED_CONTROL, NOON
        )
        assert isinstance(resource, PEBCResource)
        return resource.constraints_id if resource.ready else "none"

    assert in_force(-60, -15, 15) == in_force(15, -15, -60) == "-15"
    assert in_force(15) == "none"


def test_an_energy_constraint_bounds_how_far_the_envelope_may_be_narrowed() -> None:
    energy = PEBCEnergyConstraint(
        message_id=new_id(),
        id="energy",
        valid_from=NOON,
        valid_until=NOON + timedelta(hours=1),
        upper_average_power=2000.0,
        lower_average_power=-500.0,
        commodity_quantity=L1,
    )
    limits = read(allowed(UPPER, 0, 7400), allowed(LOWER, -3000, 0), extra=(energy,)).limits[0]

    assert limits.upper_limit_for(0) == 2000
    assert limits.lower_limit_for(0) == -500


def test_a_gap_in_the_offer_does_not_cost_the_energy_its_room() -> None:
    energy = PEBCEnergyConstraint(
        message_id=new_id(),
        id="energy",
        valid_from=NOON,
        valid_until=NOON + timedelta(hours=1),
        upper_average_power=2000.0,
        lower_average_power=-2000.0,
        commodity_quantity=L1,
    )
    upper = (allowed(UPPER, 0, 1000), allowed(UPPER, 3000, 7400))
    lower = (allowed(LOWER, -7400, -3000), allowed(LOWER, -1000, 0))

    limits = read(*upper, *lower, extra=(energy,)).limits[0]

    assert limits.upper_limit_for(0) == limits.upper_limit_for(2500) == 3000
    assert limits.lower_limit_for(0) == limits.lower_limit_for(-2500) == -3000
    assert limits.upper_limit_for(5000) == 5000


def test_an_offer_that_allows_no_envelope_is_not_ready() -> None:
    assert not read(allowed(UPPER, 0, 0), allowed(LOWER, 1, 1)).ready
