from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cem_service.domain.decision import Objective
from cem_service.domain.objectives import CapacityTariff, Objectives, TargetBand
from cem_service.domain.phases import EVEN, PhaseShares
from cem_service.domain.tariff import Tariff
from cem_service.planners.horizon import Horizon
from cem_service.planners.plan import STEP
from cem_service.planners.site_cost import SiteCost
from cem_service.planners.terms import EUR_PER_UNIT, Stage
from tests.support.resources import NOON
from tests.support.sites import EVENING_PEAK, site_with

OVER_FUSE = EUR_PER_UNIT[Stage.FUSE]


def test_prices_both_directions_and_punishes_what_is_over_a_limit() -> None:
    cost = SiteCost.within(np.full(4, 0.3), np.full(4, 0.1), 2000.0, 1000.0)

    eur = cost.eur(np.array([1000.0, -500.0, 3000.0, -2000.0]), 3600.0)

    assert eur.tolist() == pytest.approx([0.3, -0.05, 0.9 + OVER_FUSE, -0.2 + OVER_FUSE])


def test_what_may_vanish_is_lost_beyond_the_export_limit_and_never_sold_at_a_loss() -> None:
    horizon, vanishing_w = Horizon(NOON, steps=1), np.array([3000.0])
    at_a_loss = site_with(tariff=Tariff.flat(0.3, -0.1), export_limit_w=1000.0)
    at_a_gain = site_with(tariff=Tariff.flat(0.3, 0.1), export_limit_w=1000.0)

    losing, gaining = (SiteCost.of(site, horizon, vanishing_w=vanishing_w) for site in (at_a_loss, at_a_gain))

    assert eur_of(losing, -3000.0) == 0.0
    assert eur_of(losing, -3500.0) == pytest.approx(0.05)
    assert eur_of(gaining, -1000.0) == pytest.approx(-0.09)  # 900 W of the limit may be planned for.
    assert eur_of(gaining, -3900.0) == eur_of(gaining, -1000.0)
    assert eur_of(gaining, -4500.0) > 1000.0


def eur_of(cost: SiteCost, net_w: float) -> float:
    return float(cost.eur(np.array([net_w]), 3600.0)[0])


def test_the_first_step_of_a_horizon_begins_now() -> None:
    horizon = Horizon.at(NOON + timedelta(minutes=10))

    assert horizon.durations_s[:2].tolist() == [300.0, 900.0]
    assert horizon.start == NOON
    assert Horizon.at(NOON + timedelta(minutes=14, seconds=59.9)).durations_s[0] == 1.0


def on_phases(l1_w: float, l2_w: float, l3_w: float) -> np.ndarray:
    """One step of loads with the connection first."""
    return np.array([[l1_w + l2_w + l3_w], [l1_w], [l2_w], [l3_w]])


def phase_cost(phase_w: float = 5000.0) -> SiteCost:
    site = replace(site_with(tariff=Tariff.flat(0.3, 0.1)), fuse_per_phase_w=phase_w)
    return SiteCost.of(site, Horizon(NOON, steps=1))


@settings(max_examples=30, deadline=None)
@given(
    others=st.tuples(*[st.floats(-6e3, 6e3)] * 3),
    power_w=st.floats(-9e3, 9e3),
    shares=st.sampled_from([EVEN, (1.0, 0.0, 0.0), (0.5, 0.0, 0.5)]),
)
def test_a_device_sees_the_fuse_of_each_phase_it_is_on(
    others: tuple[float, float, float], power_w: float, shares: PhaseShares
) -> None:
    cost, before = phase_cost(), on_phases(*others)
    after = on_phases(*(other + share * power_w for other, share in zip(others, shares, strict=True)))

    seen = cost.seen_by(before, shares)

    rise = seen.eur(np.array([power_w]), 900.0) - seen.eur(np.array([0.0]), 900.0)
    assert rise == pytest.approx(cost.eur(after, 900.0) - cost.eur(before, 900.0), rel=1e-9, abs=1e-6)


def test_a_fuse_of_each_phase_asks_for_the_power_of_each() -> None:
    with pytest.raises(ValueError, match="4 circuits"):
        phase_cost().seen_by(np.zeros(1))


def test_a_phase_may_be_overloaded_while_the_connection_is_not() -> None:
    durations = np.array([3600.0])

    assert phase_cost().by_stage(on_phases(4750.0, 0.0, 0.0), durations)[Stage.FUSE] == pytest.approx(1.0)
    assert phase_cost().by_stage(on_phases(3700.0, 3700.0, 3700.0), durations)[Stage.FUSE] == 0.0


def test_a_peak_that_is_there_anyway_costs_nothing_more() -> None:
    site = replace(site_with(), objectives=Objectives(capacity_tariff=CapacityTariff(4.0, peak_so_far_w=2000.0)))
    horizon = Horizon(NOON, steps=2)
    cost = SiteCost.of(site, horizon)
    net_w = np.array([5000.0, 1000.0])

    told = [
        one.seen_by(net_w).marginal_eur_per_kwh(np.array([-100.0, 3000.0])) for one in (cost, cost.with_peak(5000.0))
    ]

    assert told[0] == pytest.approx([0.3 + 2.5, 0.3 + 2.5])
    assert told[1] == pytest.approx([0.3, 0.3])


def test_prices_of_activations_count_among_themselves_only() -> None:
    def told(*prices: float) -> float:
        bands = tuple(
            TargetBand(source=str(price), upper_w=0.0, eur_per_kwh=price, start=NOON, end=NOON + timedelta(hours=1))
            for price in prices
        )
        site = replace(site_with(tariff=Tariff.flat(0.0, 0.0)), objectives=Objectives(targets=bands))
        cost = SiteCost.of(site, Horizon(NOON, steps=1))
        return float(cost.eur(np.array([1000.0]), 3600.0)[0])

    assert told(0.05) == told(500.0) == pytest.approx(EUR_PER_UNIT[Stage.ACTIVATION])
    assert told(0.1, 0.2) == pytest.approx(1.5 * EUR_PER_UNIT[Stage.ACTIVATION])


def test_what_is_left_over_is_worth_the_cheapest_hours_without_limits() -> None:
    buy = np.array([0.1, 0.2, 0.3, 0.4])
    cost = SiteCost.within(buy, np.full(4, 0.05), 0.0, 0.0)

    assert cost.cheapest_eur_per_kwh(np.full(4, 9000.0)) == pytest.approx(0.1)
    assert cost.cheapest_eur_per_kwh(np.full(4, -10.0)) == pytest.approx(0.05)


def test_what_a_battery_gives_back_is_worth_the_mean_of_all_hours() -> None:
    morning = site_with(now=NOON.replace(hour=0), tariff=EVENING_PEAK)
    base_w = np.where(np.arange(96) < 48, 500.0, -500.0)

    cost = SiteCost.of(morning, Horizon.at(morning.now), base_w=base_w).seen_by(base_w)

    buy, sell = morning.prices(morning.now, 96, STEP)
    assert cost.returned_eur_per_kwh == pytest.approx((buy[:48].mean() + sell[48:].mean()) / 2)
    assert cost.leftover_eur_per_kwh == pytest.approx(sell[48:].mean())


def test_can_be_asked_what_an_objective_changes() -> None:
    cost = phase_cost()

    assert {term.objective for term in cost.without(Objective.FUSE).terms} == {Objective.EXPORT_LIMIT}
