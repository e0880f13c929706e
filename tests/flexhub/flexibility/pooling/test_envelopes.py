from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np

from cem_service.domain.pebc import PEBCResource, QuantityLimits
from cem_service.planners.horizon import Horizon
from flexhub.flexibility.pooling.envelopes import envelope_room
from s2.messages import CommodityQuantity
from tests.support.resources import NOON, solar

HORIZON = Horizon.at(NOON)
SUN = np.where(np.arange(96) < 20, -4000.0, 0.0)


def _limited(lower: tuple[float, float], upper: tuple[float, float]) -> PEBCResource:
    limits = QuantityLimits(CommodityQuantity.ELECTRIC_POWER_L1, upper=(upper,), lower=(lower,))
    return replace(solar(), limits=(limits,))


def test_production_can_be_cut_and_the_sun_cannot_be_made_to_shine() -> None:
    up, down = envelope_room(solar(), SUN, HORIZON)

    assert (up[:20] == 4000).all()
    assert (up[20:] == 0).all()
    assert (down == 0).all()


def test_production_is_cut_no_further_than_the_highest_lower_limit() -> None:
    up, _ = envelope_room(_limited(lower=(-6000.0, -1500.0), upper=(0.0, 0.0)), SUN, HORIZON)

    assert (up[:20] == 2500).all()
    assert (up[20:] == 0).all()


def test_consumption_can_be_cut_to_the_lowest_upper_limit() -> None:
    resource = _limited(lower=(0.0, 0.0), upper=(1000.0, 8000.0))

    up, down = envelope_room(resource, np.full(96, 3000.0), HORIZON)

    assert (up == 0).all()
    assert (down == 2000).all()


def test_nothing_is_offered_once_the_constraints_have_ended() -> None:
    resource = replace(solar(), valid_until=NOON + timedelta(hours=1))

    up, _ = envelope_room(resource, SUN, HORIZON)

    assert (up[:4] == 4000).all()
    assert (up[4:] == 0).all()


def test_nothing_is_offered_without_constraints() -> None:
    up, down = envelope_room(replace(solar(), not_ready="no power constraints in force"), SUN, HORIZON)

    assert not up.any()
    assert not down.any()
