"""A resource that may put energy off is told its limits as the plan has them, as long as they are on offer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import numpy as np
import pytest

from cem_service.domain.decision import Decision, LastInstruction
from cem_service.domain.pebc import PEBCResource
from cem_service.domain.tariff import Tariff
from cem_service.instructions import Envelope
from cem_service.planners.envelope_unit import elements_at
from cem_service.planners.plan import DevicePlan, EnvelopeSpan, SitePlan
from cem_service.planners.reactive import react
from s2.messages import PEBCInstruction, PEBCPowerEnvelopeConsequenceType
from tests.support.resources import L1, NOON, allowed, new_id, solar, solar_forecast
from tests.support.scenarios.envelopes import DEFER, LOWER, UPPER, VANISH, envelope
from tests.support.sites import site_with

HOUR, QUARTER = timedelta(hours=1), timedelta(minutes=15)
LIMITED, FREE = (Envelope(L1, 0.0, 2000.0),), (Envelope(L1, 0.0, 11_000.0),)


def charger(
    power_w: float = 7000.0, consequence: PEBCPowerEnvelopeConsequenceType = DEFER, upper_w: float = 11_000.0
) -> PEBCResource:
    resource = envelope(allowed(LOWER, 0.0, 0.0), allowed(UPPER, 0.0, upper_w), consequence=consequence, now=NOON)
    return replace(resource, measured_w=power_w, measured_at=NOON)


def decide(
    resource: PEBCResource,
    *spans: EnvelopeSpan,
    now: datetime = NOON,
    last: Mapping[UUID, LastInstruction] | None = None,
    fuse_limit_w: float = 17_000.0,
) -> Decision | None:
    resource = replace(resource, measured_at=now)
    meter_w = (resource.measured_w or 0.0) + 300.0
    site = site_with(resource, meter_w=meter_w, now=now, fuse_limit_w=fuse_limit_w)
    nothing_w = np.zeros(96)
    device = DevicePlan(resource.link_id, nothing_w, envelopes=spans)
    plan = SitePlan(site.site_id, NOON, NOON, nothing_w, nothing_w, 0.0, {resource.link_id: device})
    decisions = react(site, plan, last or {}, new_id=new_id)
    assert len(decisions) <= 1
    return decisions[0] if decisions else None


def told(decision: Decision | None) -> list[tuple[timedelta, float]]:
    """How long which upper limit is to hold."""
    assert decision is not None
    assert isinstance(decision.message, PEBCInstruction)
    (only,) = decision.message.power_envelopes
    return [(timedelta(milliseconds=one.duration), one.upper_limit) for one in only.power_envelope_elements]


def test_is_told_the_limits_of_the_coming_hour() -> None:
    spans = (
        EnvelopeSpan(NOON + QUARTER, LIMITED),
        EnvelopeSpan(NOON + 2 * QUARTER),
        EnvelopeSpan(NOON + HOUR, LIMITED),
    )

    decision = decide(charger(), *spans)

    assert told(decision) == [(QUARTER, 2000.0), (QUARTER, 11_000.0), (2 * QUARTER, 2000.0)]
    assert decision is not None
    assert (decision.expected_power_w, decision.until) == (2000.0, NOON + HOUR)


def test_is_left_free_where_the_plan_has_nothing_more() -> None:
    assert told(decide(charger(), EnvelopeSpan(NOON + QUARTER, LIMITED))) == [
        (QUARTER, 2000.0),
        (3 * QUARTER, 11_000.0),
    ]
    assert told(decide(charger(), EnvelopeSpan(NOON - QUARTER, LIMITED))) == [(HOUR, 11_000.0)]


def test_what_would_be_lost_is_cut_by_what_is_measured_only() -> None:
    assert told(decide(charger(consequence=VANISH), EnvelopeSpan(NOON + HOUR, LIMITED))) == [(HOUR, 11_000.0)]


def test_limits_that_are_no_longer_on_offer_are_not_told() -> None:
    assert told(decide(charger(upper_w=1500.0), EnvelopeSpan(NOON + HOUR, LIMITED))) == [(HOUR, 1500.0)]


def test_the_fuse_goes_before_the_plan() -> None:
    decision = decide(charger(), EnvelopeSpan(NOON + HOUR, LIMITED), fuse_limit_w=2000.0)

    ((lasts, upper_w),) = told(decision)
    assert lasts == HOUR
    assert upper_w < 1700.0


def test_is_told_again_only_where_the_plan_has_changed_or_the_envelope_ends() -> None:
    resource = charger()
    spans = (EnvelopeSpan(NOON + QUARTER, LIMITED), EnvelopeSpan(NOON + 9 * QUARTER))
    first = decide(resource, *spans)
    assert first is not None
    last = {resource.link_id: LastInstruction.of(first, NOON)}
    slow = replace(resource, measured_w=2000.0)

    assert decide(slow, *spans, now=NOON + QUARTER / 3, last=last) is None
    assert decide(resource, *spans, now=NOON + 2 * QUARTER, last=last) is None
    longer = (EnvelopeSpan(NOON + 3 * QUARTER, LIMITED),)
    assert told(decide(resource, *longer, now=NOON + 2 * QUARTER, last=last))[0] == (QUARTER, 2000.0)


def test_is_not_told_again_and_again_while_what_is_on_offer_ends() -> None:
    resource = replace(charger(), valid_until=NOON + timedelta(minutes=8))
    first = decide(resource, EnvelopeSpan(NOON + HOUR, LIMITED))
    assert told(first) == [(timedelta(minutes=8), 2000.0)]
    assert first is not None
    last = {resource.link_id: LastInstruction.of(first, NOON)}

    assert decide(resource, EnvelopeSpan(NOON + HOUR, LIMITED), now=NOON + timedelta(minutes=1), last=last) is None


def test_panels_that_refused_a_limit_are_asked_again_when_they_are_no_longer_left_alone() -> None:
    feeding_in = site_with(solar(6000.0), meter_w=-6000.0, export_limit_w=4000.0)
    (first,) = react(feeding_in, None, {}, new_id=new_id)

    def asked(ago: timedelta, left_alone: timedelta) -> bool:
        refused = LastInstruction.of(first, NOON - ago, refused_until=NOON - ago + left_alone)
        return bool(react(feeding_in, None, {first.link_id: refused}, new_id=new_id))

    # A limit is broken meanwhile, so no back-off is waited for.
    assert [asked(timedelta(minutes=minutes), 2 * HOUR) for minutes in (1, 2, 30)] == [False, True, True]
    assert asked(timedelta(minutes=6), timedelta(minutes=5))


def test_panels_that_refused_are_cut_again_for_a_price_after_a_while() -> None:
    at_a_loss = site_with(solar(4000.0), meter_w=-3000.0, tariff=Tariff.flat(0.3, -0.1))
    (first,) = react(at_a_loss, None, {}, new_id=new_id)

    def asked(ago: timedelta) -> bool:
        refused = LastInstruction.of(first, NOON - ago, refused_until=NOON - ago + timedelta(minutes=5))
        return bool(react(at_a_loss, None, {first.link_id: refused}, new_id=new_id))

    assert [asked(timedelta(minutes=minutes)) for minutes in (4, 6)] == [False, True]


@pytest.mark.parametrize("forecast_w", [0.0, 2650.0])
def test_panels_that_a_limit_holds_stay_held_however_little_they_forecast(forecast_w: float) -> None:
    forecast = solar_forecast([forecast_w] * 8, NOON)
    free, held = solar(3000.0, forecast=forecast), solar(2700.0, forecast=forecast)
    (first,) = react(site_with(free, meter_w=-3000.0, export_limit_w=3000.0), None, {}, new_id=new_id)
    assert first.expected_power_w == -2700.0
    last = {first.link_id: LastInstruction.of(first, NOON - timedelta(minutes=5))}

    assert react(site_with(held, meter_w=-2700.0, export_limit_w=3000.0), None, last, new_id=new_id) == []
    (second,) = react(site_with(held, meter_w=-1000.0, export_limit_w=3000.0), None, last, new_id=new_id)
    assert second.expected_power_w < -2700.0


def test_panels_that_are_held_are_not_taken_to_give_more_than_they_offer() -> None:
    (first,) = react(site_with(solar(6000.0), meter_w=-6000.0, export_limit_w=6500.0), None, {}, new_id=new_id)
    assert first.expected_power_w == -5850.0
    last = {first.link_id: LastInstruction.of(first, NOON - timedelta(minutes=5))}

    (second,) = react(site_with(solar(5850.0), meter_w=0.0, export_limit_w=6500.0), None, last, new_id=new_id)

    assert second.expected_power_w == -6000.0


@pytest.mark.parametrize(
    ("minutes", "upper_w"), [(0, 2000.0), (14, 2000.0), (15, 11_000.0), (59, 11_000.0), (60, None)]
)
def test_finds_the_element_that_holds(minutes: int, upper_w: float | None) -> None:
    decision = decide(charger(), EnvelopeSpan(NOON + QUARTER, LIMITED))
    assert decision is not None
    assert isinstance(decision.message, PEBCInstruction)

    found = elements_at(decision.message, NOON + timedelta(minutes=minutes))

    assert [one.upper_limit for one in found.values()] == ([] if upper_w is None else [upper_w])
