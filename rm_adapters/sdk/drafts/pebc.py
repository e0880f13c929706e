"""Drafts for Power Envelope Based Control."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from rm_adapters.sdk.drafts.ranges import DRAFT, OPEN, number_range
from s2.messages import (
    CommodityQuantity,
    PEBCAllowedLimitRange,
    PEBCEnergyConstraint,
    PEBCPowerConstraints,
    PEBCPowerEnvelopeConsequenceType,
    PEBCPowerEnvelopeLimitType,
)

_Ranges = Iterable[tuple[float, float]]


def power_constraints(
    constraints_id: str,
    quantity: CommodityQuantity,
    *,
    lower: _Ranges,
    upper: _Ranges,
    consequence: PEBCPowerEnvelopeConsequenceType,
    abnormal_lower: _Ranges = (),
    abnormal_upper: _Ranges = (),
) -> PEBCPowerConstraints:
    """Where either limit may be put. Several ranges of one kind are alternatives: "0, or 6 A and more" is two of them.

    At least one of each kind is needed, also where a limit can only have one value (R-70).
    """
    kinds = PEBCPowerEnvelopeLimitType
    ranges = [
        PEBCAllowedLimitRange(
            commodity_quantity=quantity,
            limit_type=kind,
            range_boundary=number_range(min(each), max(each)),
            abnormal_condition_only=abnormal,
        )
        for kind, given, abnormal in (
            (kinds.LOWER_LIMIT, lower, False),
            (kinds.UPPER_LIMIT, upper, False),
            (kinds.LOWER_LIMIT, abnormal_lower, True),
            (kinds.UPPER_LIMIT, abnormal_upper, True),
        )
        for each in given
    ]
    return PEBCPowerConstraints(
        message_id=DRAFT,
        id=constraints_id,
        valid_from=OPEN,
        consequence_type=consequence,
        allowed_limit_ranges=tuple(ranges),
    )


def energy_constraint(
    constraint_id: str,
    quantity: CommodityQuantity,
    *,
    start: datetime,
    end: datetime,
    average_w: tuple[float, float],
) -> PEBCEnergyConstraint:
    """The average power that the resource needs from start to end, lower and upper."""
    return PEBCEnergyConstraint(
        message_id=DRAFT,
        id=constraint_id,
        valid_from=start,
        valid_until=end,
        lower_average_power=min(average_w),
        upper_average_power=max(average_w),
        commodity_quantity=quantity,
    )
