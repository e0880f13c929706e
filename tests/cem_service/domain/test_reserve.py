from __future__ import annotations

from dataclasses import replace

import numpy as np

from cem_service.domain.frbc import FRBCResource
from cem_service.domain.reserve import with_reserve
from cem_service.planners.horizon import Horizon
from cem_service.planners.store import targets
from tests.support.resources import NOON, link_id

BATTERY = FRBCResource(link_id=link_id("battery"), name="battery", lowest_level=1000.0, highest_level=11_000.0)


def test_a_share_of_the_range_is_wanted_all_day() -> None:
    lower, upper = targets(_store(with_reserve(BATTERY, 0.3, NOON)), Horizon.at(NOON))

    assert np.allclose(lower, 4000.0)
    assert np.allclose(upper, 11_000.0)


def test_none_asked_for_changes_nothing() -> None:
    assert with_reserve(BATTERY, 0.0, NOON) is BATTERY


def test_a_device_with_targets_of_its_own_knows_better() -> None:
    car = replace(BATTERY, target_lower=_store(with_reserve(BATTERY, 0.8, NOON)).target_lower)

    assert with_reserve(car, 0.3, NOON) is car


def _store(resource: object) -> FRBCResource:
    assert isinstance(resource, FRBCResource)
    return resource
