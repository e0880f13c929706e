"""Resources with power envelopes from seeds. Seeds 0-9 are for development, 100 and above judge."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np

from cem_service.domain.pebc import PEBCResource
from cem_service.domain.resource import Resource
from cem_service.domain.series import StepSeries
from s2.messages import (
    ControlType,
    Message,
    PEBCAllowedLimitRange,
    PEBCEnergyConstraint,
    PEBCPowerConstraints,
    PEBCPowerEnvelopeConsequenceType,
    PEBCPowerEnvelopeLimitType,
)
from tests.support.resources import L1, allowed, link_id, new_id
from tests.support.scenarios.surroundings import MIDNIGHT, sun_w, surroundings

UPPER, LOWER = PEBCPowerEnvelopeLimitType.UPPER_LIMIT, PEBCPowerEnvelopeLimitType.LOWER_LIMIT
VANISH, DEFER = PEBCPowerEnvelopeConsequenceType.VANISH, PEBCPowerEnvelopeConsequenceType.DEFER


def envelope(
    *ranges: PEBCAllowedLimitRange,
    consequence: PEBCPowerEnvelopeConsequenceType = VANISH,
    free_w: Iterable[float] | None = None,
    windows: Iterable[Message] = (),
    until: timedelta | None = None,
    now: datetime = MIDNIGHT,
) -> PEBCResource:
    """`free_w` is what it takes by itself in each quarter hour from `now` on."""
    constraints = PEBCPowerConstraints(
        message_id=new_id(),
        id="constraints",
        valid_from=now - timedelta(hours=1),
        valid_until=None if until is None else now + until,
        consequence_type=consequence,
        allowed_limit_ranges=ranges,
    )
    resource = Resource.from_messages(
        link_id("Envelope"), "Envelope", [constraints, *windows], ControlType.POWER_ENVELOPE_BASED_CONTROL, now
    )
    assert isinstance(resource, PEBCResource)
    if free_w is None:
        return resource
    powers_w = np.array(list(free_w), dtype=np.float64)
    edges = now.timestamp() + 900.0 * np.arange(powers_w.size + 1, dtype=np.float64)
    return replace(resource, free=StepSeries(edges, powers_w))


def window(least_w: float, most_w: float, lasts: timedelta, start: datetime = MIDNIGHT) -> PEBCEnergyConstraint:
    return PEBCEnergyConstraint(
        message_id=new_id(),
        id=new_id(),
        valid_from=start,
        valid_until=start + lasts,
        lower_average_power=least_w,
        upper_average_power=most_w,
        commodity_quantity=L1,
    )


def panels(seed: int) -> PEBCResource:
    """A roof of 3 to 7 kW that can be limited to any power."""
    random = np.random.default_rng((51, seed))
    free_w = -sun_w(random, np.arange(96) / 4)
    return envelope(allowed(LOWER, -8000.0, 0.0), allowed(UPPER, 0.0, 0.0), free_w=free_w)


def charger(seed: int) -> PEBCResource:
    """A car that would charge at 3.7 to 11 kW when it comes home, and has to be full some hours later."""
    random = np.random.default_rng((52, seed))
    power_w = float(random.choice([3700.0, 7400.0, 11_000.0]))
    start, lasts = int(random.integers(4, 40)), int(random.integers(6, 16))
    free_w = np.zeros(96)
    free_w[start : start + lasts] = power_w
    until = timedelta(hours=float(random.integers(16, 24)))
    least_w = float(free_w.sum()) * 900.0 / until.total_seconds()
    return envelope(
        allowed(LOWER, 0.0, 0.0),
        allowed(UPPER, 0.0, 11_000.0),
        consequence=DEFER,
        free_w=free_w,
        windows=[window(0.99 * least_w, least_w, until)],
    )


__all__ = ["DEFER", "LOWER", "UPPER", "VANISH", "charger", "envelope", "panels", "surroundings", "window"]
