from __future__ import annotations

from collections.abc import Callable

import pytest

from cem_service.domain.leaving_out import WHY, going_on, left_out
from cem_service.domain.site import SiteState
from tests.support.resources import battery, ev_charger, heat_pump, link_id
from tests.support.sites import site_with

HOME = site_with(battery(), ev_charger(power_w=1400.0), heat_pump(), meter_w=500.0)


def _stumbles_over(*names: str) -> Callable[[SiteState], list[str]]:
    def work(site: SiteState) -> list[str]:
        asked = [one.name for one in site.resources if one.ready]
        if stumbled := [name for name in asked if name in names]:
            raise LookupError(stumbled[0])
        return asked

    return work


def test_where_nothing_is_wrong_nobody_is_left_out() -> None:
    assert going_on(HOME, _stumbles_over()) == (["Home battery", "EV charger", "Heat pump"], HOME, {})


def test_all_others_go_on() -> None:
    asked, site, errors = going_on(HOME, _stumbles_over("EV charger"))

    assert asked == ["Home battery", "Heat pump"]
    assert [one.link_id for one in site.resources] == [one.link_id for one in HOME.resources]
    assert {key: str(error) for key, error in errors.items()} == {link_id("EV charger"): "EV charger"}


def test_who_is_left_out_still_counts_with_the_power_that_it_has() -> None:
    _, site, _ = going_on(HOME, _stumbles_over("EV charger"))

    (car,) = (one for one in site.resources if one.name == "EV charger")
    assert car.power_w(site.now) == 1400.0
    assert not car.controllable
    assert [(reason.figures["name"], reason.figures["why"]) for reason in left_out(site)] == [("EV charger", WHY)]


def test_several_may_be_left_out() -> None:
    asked, _, errors = going_on(HOME, _stumbles_over("EV charger", "Home battery"))

    assert asked == ["Heat pump"]
    assert len(errors) == 2


def test_a_mistake_that_is_due_to_no_device_is_raised() -> None:
    def work(site: SiteState) -> None:
        raise LookupError(str(len(site.resources)))

    def only_together(site: SiteState) -> None:
        if sum(one.ready for one in site.resources) == 3:
            raise LookupError("together")

    for each in (work, only_together):
        with pytest.raises(LookupError):
            going_on(HOME, each)
