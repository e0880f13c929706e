from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cem_service.domain.pebc import PEBCResource
from cem_service.planners.horizon import Horizon
from cem_service.planners.pebc import Course, plan_envelope
from cem_service.planners.plan import DevicePlan
from cem_service.planners.power_cost import J_PER_KWH, PowerCost
from cem_service.planners.site_cost import SiteCost
from s2.messages import PEBCPowerEnvelopeLimitType
from tests.support.reference.pebc import least_eur_if_lost, least_eur_if_put_off
from tests.support.resources import allowed
from tests.support.scenarios.envelopes import DEFER, LOWER, UPPER, VANISH, charger, envelope, panels, window
from tests.support.scenarios.surroundings import MIDNIGHT, surroundings

HORIZON = Horizon.at(MIDNIGHT)
HOUR = timedelta(hours=1)
PANELS = (allowed(LOWER, -6000.0, 0.0), allowed(UPPER, 0.0, 0.0))
CHARGER = (allowed(LOWER, 0.0, 0.0), allowed(UPPER, 0.0, 11_000.0))


def cost_of(
    *, buy: Any = 0.3, sell: Any = 0.05, others_w: Any = 500.0, fuse_w: float = 8000.0, export_w: float = 8000.0
) -> PowerCost:
    def steps(value: Any) -> np.ndarray:
        return np.broadcast_to(np.asarray(value, dtype=np.float64), 96).copy()

    return SiteCost.within(steps(buy), steps(sell), fuse_w, export_w).seen_by(steps(others_w))


def planned(resource: PEBCResource, cost: PowerCost) -> DevicePlan:
    assert resource.ready, resource.not_ready
    plan = plan_envelope(resource, cost, HORIZON)
    assert plan is not None
    return plan


def kwh(power_w: np.ndarray) -> float:
    return float(power_w @ HORIZON.durations_s) / J_PER_KWH


def test_nothing_is_limited_where_it_pays_to_leave_it_free() -> None:
    plan = planned(envelope(*PANELS, free_w=[-4000.0] * 96), cost_of())

    assert plan.envelopes == ()
    assert (plan.power_w == -4000.0).all()


def test_production_is_cut_to_what_the_site_uses_where_feeding_in_costs_money() -> None:
    sell = np.where(np.arange(96) < 8, -0.1, 0.05)

    plan = planned(envelope(*PANELS, free_w=[-4000.0] * 96), cost_of(sell=sell))

    (span,) = plan.envelopes
    assert span.end == MIDNIGHT + 2 * HOUR
    assert [(one.lower_limit_w, one.upper_limit_w) for one in span.limits] == [(-500.0, 0.0)]
    assert (plan.power_w == np.where(np.arange(96) < 8, -500.0, -4000.0)).all()


def test_production_is_cut_to_what_may_leave_the_site() -> None:
    plan = planned(envelope(*PANELS, free_w=[-5000.0] * 96), cost_of(export_w=3000.0))

    assert plan.power_w == pytest.approx(np.full(96, -3500.0))


def test_a_limit_is_one_of_those_on_offer() -> None:
    steps = (allowed(LOWER, -6000.0, -6000.0), allowed(LOWER, -3000.0, -3000.0), allowed(LOWER, 0.0, 0.0))

    plan = planned(envelope(*steps, allowed(UPPER, 0.0, 0.0), free_w=[-5000.0] * 96), cost_of(export_w=3000.0))

    assert (plan.power_w == -3000.0).all()


def test_consumption_whose_energy_is_lost_is_cut_for_the_fuse_only() -> None:
    others_w = np.where(np.arange(96) < 4, 6000.0, 500.0)

    plan = planned(envelope(*CHARGER, free_w=[5000.0] * 96), cost_of(buy=0.9, others_w=others_w))

    assert (plan.power_w == np.where(np.arange(96) < 4, 2000.0, 5000.0)).all()


def test_what_is_put_off_is_taken_when_it_is_cheap_and_before_its_window_ends() -> None:
    buy = np.full(96, 0.4)
    buy[24:32], buy[60:70] = 0.1, 0.01  # Cheapest of all when the window is over.
    resource = envelope(
        *CHARGER,
        consequence=DEFER,
        free_w=[4000.0] * 8 + [0.0] * 88,
        windows=[window(500.0, 800.0, 10 * HOUR)],
    )

    plan = planned(resource, cost_of(buy=buy))

    assert kwh(plan.power_w) == pytest.approx(8.0)
    assert plan.power_w[24:32].sum() == pytest.approx(plan.power_w.sum())
    assert plan.own.comfort_eur == pytest.approx(0.0, abs=1e-6)


def test_without_a_forecast_it_takes_what_its_window_says_at_least() -> None:
    resource = envelope(*CHARGER, consequence=DEFER, free_w=[0.0] * 96, windows=[window(1000.0, 1200.0, 8 * HOUR)])

    plan = planned(resource, cost_of(buy=np.where(np.arange(96) < 16, 0.4, 0.2), fuse_w=12_000.0))

    assert kwh(plan.power_w) == pytest.approx(8.0)
    assert plan.power_w[16:32].sum() == pytest.approx(plan.power_w.sum())


def test_limits_leave_room_for_all_that_may_be_wanted_in_a_window() -> None:
    """It is expected to take nothing like that, but it might (R-80)."""
    resource = envelope(
        *CHARGER, consequence=DEFER, free_w=[3000.0] * 8 + [0.0] * 88, windows=[window(0.0, 10_500.0, 4 * HOUR)]
    )

    plan = planned(resource, cost_of(buy=np.where(np.arange(96) < 12, 0.4, 0.2)))

    assert upper_means_w(plan, 4 * HOUR) >= 10_500.0 - 1e-6


def test_beyond_the_end_of_its_constraints_nothing_is_limited() -> None:
    plan = planned(envelope(*PANELS, free_w=[-4000.0] * 96, until=HOUR), cost_of(sell=-0.1))

    assert [span.end for span in plan.envelopes] == [MIDNIGHT + HOUR]
    assert (plan.power_w[4:] == -4000.0).all()


def test_production_too_can_be_put_off() -> None:
    sell = np.where(np.arange(96) < 8, -0.1, 0.3)
    resource = envelope(
        allowed(LOWER, -2000.0, 0.0), allowed(UPPER, 0.0, 0.0), consequence=DEFER, free_w=[-1000.0] * 48 + [0.0] * 48
    )
    resource = replace(resource, windows=())

    plan = planned(resource, cost_of(sell=sell, others_w=0.0))

    assert (plan.power_w[:8] > -1.0).all()
    assert kwh(plan.power_w) == pytest.approx(-12.0)


@pytest.mark.parametrize("seed", range(3))
def test_what_is_lost_is_cut_as_a_linear_programme_would(seed: int) -> None:
    around, resource = surroundings(seed), panels(seed)
    cost = replace(around, sell=around.sell - 0.1).cost

    plan = planned(resource, cost)

    best_eur = least_eur_if_lost(Course.of(resource, HORIZON).free_w, cost, HORIZON)
    eur = float(cost.eur(plan.power_w, HORIZON.durations_s).sum()) + plan.own.money_eur + plan.own.comfort_eur
    assert eur == pytest.approx(best_eur, abs=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_what_is_put_off_is_taken_as_a_linear_programme_would(seed: int) -> None:
    cost, resource = surroundings(seed).cost, charger(seed)
    course = Course.of(resource, HORIZON)
    (only,) = resource.windows
    by_edge = round((only.end - MIDNIGHT) / timedelta(minutes=15))

    plan = planned(resource, cost)

    best_eur = least_eur_if_put_off(course.free_w, course.most_w, [by_edge, 96], cost, HORIZON)
    owed_kwh = np.cumsum((course.free_w - plan.power_w) * HORIZON.durations_s) / J_PER_KWH
    charged_eur = 1e-5 * owed_kwh.sum() + owed_kwh[by_edge - 1] + owed_kwh[-1]
    eur = float(cost.eur(plan.power_w, HORIZON.durations_s).sum()) + charged_eur
    assert eur == pytest.approx(best_eur, abs=1e-5)


def upper_means_w(
    plan: DevicePlan, lasts: timedelta, start: timedelta = timedelta(), widest_w: float = 11_000.0
) -> float:
    """The mean upper limit over a window that begins with the plan."""
    begin, end, total = MIDNIGHT + start, MIDNIGHT + start + lasts, 0.0
    at = MIDNIGHT
    for span in plan.envelopes:
        share = (min(span.end, end) - max(at, begin)) / (end - begin)
        total += max(share, 0.0) * (span.limits[0].upper_limit_w if span.limits else widest_w)
        at = span.end
    return total + max((end - max(at, begin)) / (end - begin), 0.0) * widest_w


AMOUNTS = st.one_of(
    st.floats(0.0, 12_000.0), st.sampled_from([0.0, 1e-9, 1e9, 1e15, 1e300]), st.integers(0, 12_000).map(float)
)
ENDS = st.tuples(AMOUNTS, AMOUNTS).map(sorted)


@st.composite
def offers(draw: st.DrawFn) -> tuple[Any, ...]:
    """Ranges on either side of nothing and beyond it, legal and absurd."""
    found = []
    for kind, sign in ((UPPER, 1.0), (LOWER, -1.0)):
        for start, end in draw(st.lists(ENDS, min_size=1, max_size=3)):
            across = sign * draw(st.sampled_from([0.0, 0.0, 0.0, 500.0]))
            low, high = sorted((sign * start, sign * end))
            found.append(allowed(kind, low - across, high - across))
    return tuple(found)


@settings(max_examples=60, deadline=None)
@given(
    ranges=offers(),
    consequence=st.sampled_from([VANISH, DEFER]),
    free_w=st.lists(st.floats(-9000.0, 9000.0), min_size=6, max_size=6),
    prices=st.lists(st.floats(-0.3, 0.6), min_size=12, max_size=12),
    windows=st.lists(
        st.tuples(st.floats(-6000.0, 12_000.0), st.floats(0.0, 6000.0), st.integers(-2, 20), st.integers(1, 40)),
        max_size=2,
    ),
    until_min=st.one_of(st.none(), st.integers(1, 1500)),
    fuse_w=st.sampled_from([1000.0, 5000.0, 20_000.0]),
)
@example(  # By so little that a price for each watt of it is no number.
    ranges=(allowed(UPPER, 0.0, 2e-309), allowed(LOWER, 0.0, 0.0)),
    consequence=DEFER,
    free_w=[89.0, 0.0, 0.0, 0.0, 0.0, 0.0],
    prices=[0.5] + [0.0] * 11,
    windows=[(0.0, 1.0, 0, 9)],
    until_min=None,
    fuse_w=1000.0,
)
@example(  # Beside 1e300 a watt is nothing.
    ranges=(allowed(UPPER, 0.0, 1e300), allowed(LOWER, 0.0, 0.0)),
    consequence=VANISH,
    free_w=[0.0] * 6,
    prices=[0.0] * 12,
    windows=[(501.0, 0.0, 0, 1)],
    until_min=None,
    fuse_w=1000.0,
)
def test_no_plan_leaves_what_was_offered(
    ranges: tuple[Any, ...],
    consequence: Any,
    free_w: list[float],
    prices: list[float],
    windows: list[tuple[float, float, int, int]],
    until_min: int | None,
    fuse_w: float,
) -> None:
    messages = [
        window(least_w, least_w + more_w, hours * HOUR, MIDNIGHT + start * HOUR)
        for least_w, more_w, start, hours in windows
        if start + hours > 0
    ]
    until = None if until_min is None else timedelta(minutes=until_min)
    resource = envelope(*ranges, consequence=consequence, free_w=np.repeat(free_w, 16), windows=messages, until=until)
    if not resource.ready:
        return
    buy, sell = np.repeat(prices[:6], 16), np.repeat(prices[6:], 16)

    plan = planned(resource, cost_of(buy=buy, sell=sell, fuse_w=fuse_w, export_w=fuse_w))

    assert np.isfinite(plan.power_w).all()
    at = MIDNIGHT
    for span in plan.envelopes:
        assert at < span.end <= (HORIZON.end if until is None else MIDNIGHT + until)
        for told in span.limits:
            assert told.lower_limit_w <= told.upper_limit_w
            assert is_offered(ranges, UPPER, told.upper_limit_w)
            assert is_offered(ranges, LOWER, told.lower_limit_w)
        at = span.end
    if consequence is VANISH:
        expected_w = Course.of(resource, HORIZON).free_w
        assert (np.abs(plan.power_w) <= np.abs(expected_w) + 1e-6).all()
    ((_, widest_upper_w),) = (limits.widest for limits in resource.limits)
    for one in resource.windows:
        start = max(one.start - MIDNIGHT, timedelta())
        mean_w = upper_means_w(plan, one.end - MIDNIGHT - start, start, widest_upper_w)
        assert mean_w >= min(one.most_w, widest_upper_w) * (1 - 1e-9) - 1e-3 or one.most_w <= 0.0


def is_offered(ranges: tuple[Any, ...], kind: PEBCPowerEnvelopeLimitType, limit_w: float) -> bool:
    bounds = [one.range_boundary for one in ranges if one.limit_type is kind]
    return any(one.start_of_range <= limit_w <= one.end_of_range for one in bounds)
