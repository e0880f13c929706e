from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cem_service.domain.resource import Resource
from cem_service.domain.site import SiteState
from cem_service.planners.building import plan_site
from cem_service.planners.horizon import Horizon
from flexhub.flexibility.pooling.site import Offer, outlook, pool
from s2.messages import ControlType
from tests.support.resources import (
    NOON,
    battery,
    dishwasher,
    ev_charger,
    heat_pump,
    link_id,
    measurement,
    solar,
    solar_forecast,
)
from tests.support.sites import site_with

HORIZON = Horizon.at(NOON)
SUNNY = solar_forecast([4000.0] * 24 + [0.0] * 72, NOON)


def _offer(*sites: SiteState, planned: bool = False) -> Offer:
    return pool([outlook(site, plan_site(site) if planned else None, HORIZON) for site in sites], HORIZON)


def _meter(power_w: float) -> Resource:
    return Resource.from_messages(
        link_id("meter"), "Kitchen", [measurement(power_w, NOON)], ControlType.NOT_CONTROLABLE, NOON
    )


HOME = (
    battery(),
    ev_charger(departure=NOON + timedelta(hours=7)),
    heat_pump(),
    dishwasher(),
    solar(forecast=SUNNY),
    _meter(300.0),
)
sites = st.builds(
    site_with,
    st.sampled_from(HOME),
    st.sampled_from(HOME),
    meter_w=st.sampled_from((-3000.0, 0.0, 500.0, 4000.0)),
    fuse_limit_w=st.sampled_from((3000.0, 6000.0, 17_250.0)),
    export_limit_w=st.sampled_from((None, 0.0, 4000.0)),
).map(lambda site: replace(site, resources=tuple({one.link_id: one for one in site.resources}.values())))


def test_an_empty_pool_offers_nothing() -> None:
    offer = _offer()

    assert offer.baseline_w.shape == (96,)
    assert not any(part.any() for part in (offer.baseline_w, offer.up_w, offer.down_w))


def test_without_a_plan_the_present_goes_on() -> None:
    """The meter shows 800 W, of which the kitchen takes 300: the rest is the base load."""
    offer = _offer(site_with(_meter(300.0), meter_w=800.0))

    assert (offer.baseline_w == 800).all()
    assert not offer.up_w.any()
    assert not offer.down_w.any()


def test_the_baseline_is_the_plan() -> None:
    site = site_with(*HOME, meter_w=800.0)
    plan = plan_site(site)

    offer = _offer(site, planned=True)

    assert offer.baseline_w == pytest.approx(plan.net_w)


def test_the_fuse_bounds_what_all_devices_do_together() -> None:
    offer = _offer(site_with(battery(), meter_w=1000.0, fuse_limit_w=3000.0))

    assert (offer.up_w == 2000).all()
    assert (offer.down_w == 4000).all()


def test_the_export_limit_bounds_what_is_fed_in() -> None:
    offer = _offer(site_with(battery(), meter_w=1000.0, export_limit_w=500.0))

    assert (offer.down_w == 1500).all()


def test_the_fuse_works_in_both_directions() -> None:
    """A contract may allow more to be fed in than the fuse carries."""
    home = site_with(battery(level=9.0), fuse_limit_w=2000.0, export_limit_w=9000.0)

    offer = _offer(home)

    assert (offer.baseline_w - offer.down_w >= -2000.0 - 1e-6).all()


def test_production_beyond_the_export_limit_is_not_expected() -> None:
    site = site_with(solar(production_w=4000.0, forecast=SUNNY), meter_w=-4000.0, export_limit_w=1000.0)

    offer = _offer(site)

    assert (offer.baseline_w[:24] == -1000).all()
    # What is left after the cut can still be cut.
    assert (offer.up_w[:24] == 1000).all()
    assert not offer.down_w.any()


def test_a_site_over_its_fuse_can_only_be_lowered() -> None:
    offer = _offer(site_with(battery(), meter_w=4000.0, fuse_limit_w=3000.0))

    assert not offer.up_w.any()
    assert (offer.down_w > 0).all()


def test_a_stale_device_keeps_its_place_and_offers_nothing() -> None:
    site = site_with(battery(power_w=2000.0, active=("charge", 0.4)), meter_w=2500.0)
    later = replace(site, now=NOON + timedelta(minutes=6), main_meter_at=NOON + timedelta(minutes=6))
    horizon = Horizon.at(later.now)

    offer = pool([outlook(later, None, horizon)], horizon)

    assert (offer.baseline_w == 2500).all()
    assert not offer.up_w.any()


def test_a_planned_device_that_has_gone_stays_in_the_baseline() -> None:
    site = site_with(ev_charger(departure=NOON + timedelta(hours=2)), meter_w=0.0)
    plan = plan_site(site)

    offer = pool([outlook(replace(site, resources=()), plan, HORIZON)], HORIZON)

    assert offer.baseline_w == pytest.approx(plan.net_w)
    assert not offer.down_w.any()


@given(st.lists(sites, min_size=1, max_size=4))
def test_offers_are_never_negative_and_keep_each_grid_connection(homes: list[SiteState]) -> None:
    for home in homes:
        offer = _offer(home)
        export_w = home.fuse_limit_w if home.export_limit_w is None else home.export_limit_w
        assert (offer.up_w >= 0).all()
        assert (offer.down_w >= 0).all()
        assert (offer.baseline_w + offer.up_w <= np.maximum(offer.baseline_w, home.fuse_limit_w) + 1e-6).all()
        assert (offer.baseline_w - offer.down_w >= np.minimum(offer.baseline_w, -export_w) - 1e-6).all()


@given(st.lists(sites, min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_the_order_of_sites_and_devices_changes_nothing(homes: list[SiteState], random: object) -> None:
    shuffle = getattr(random, "shuffle")  # noqa: B009 - Hypothesis does not say what its random is.
    shuffled = [replace(home, resources=tuple(reversed(home.resources))) for home in homes]
    shuffle(shuffled)

    offer, other = _offer(*homes), _offer(*shuffled)

    for part in ("baseline_w", "up_w", "down_w"):
        assert getattr(offer, part) == pytest.approx(getattr(other, part), abs=1e-6)


@given(st.lists(sites, min_size=1, max_size=3), sites)
def test_another_site_never_lowers_an_offer(homes: list[SiteState], another: SiteState) -> None:
    fewer, more = _offer(*homes), _offer(*homes, another)

    assert (more.up_w >= fewer.up_w - 1e-6).all()
    assert (more.down_w >= fewer.down_w - 1e-6).all()


@given(sites)
def test_another_resting_device_never_lowers_an_offer(home: SiteState) -> None:
    """One that draws power uses up room below the fuse; one at rest can only add to what is possible."""
    resting = replace(battery(), link_id=link_id("another"))

    fewer, more = _offer(home), _offer(replace(home, resources=(*home.resources, resting)))

    assert (more.up_w >= fewer.up_w - 1e-6).all()
    assert (more.down_w >= fewer.down_w - 1e-6).all()
