from __future__ import annotations

from datetime import timedelta

import pytest

from cem_service.domain.fixed import NotControllable
from cem_service.domain.quantities import LARGEST, total_power_w
from cem_service.domain.resource import MEASUREMENT_VALID_FOR, Resource
from s2.messages import CommodityQuantity, ControlType
from tests.support.resources import NOON, battery, link_id, measurement


@pytest.mark.parametrize("control_type", [None, *ControlType])
def test_reads_an_empty_snapshot_of_any_control_type(control_type: ControlType | None) -> None:
    resource = Resource.from_messages(link_id("new"), "new", [], control_type, NOON)

    assert resource.control_type is control_type
    assert not resource.controllable
    assert resource.power_w(NOON) is None


def test_a_meter_measures_and_is_not_steered() -> None:
    resource = Resource.from_messages(
        link_id("meter"), "meter", [measurement(1234.0, NOON)], ControlType.NOT_CONTROLABLE, NOON
    )

    assert isinstance(resource, NotControllable)
    assert resource.power_w(NOON) == 1234.0
    assert resource.ready


def test_an_old_measurement_yields_to_the_description() -> None:
    resource = battery(active=("charge", 0.5), power_w=10.0)

    assert resource.power_w(NOON + MEASUREMENT_VALID_FOR) == 10.0
    assert resource.power_w(NOON + MEASUREMENT_VALID_FOR + timedelta(seconds=1)) == 2500.0


def test_total_power_takes_the_symmetric_total_over_single_phases_and_stays_finite() -> None:
    single, symmetric = CommodityQuantity.ELECTRIC_POWER_L1, CommodityQuantity.ELECTRIC_POWER_3_PHASE_SYMMETRIC

    assert total_power_w([(single, 100.0), (symmetric, 300.0)]) == 300.0
    assert total_power_w([(single, 1e308)]) == LARGEST
    assert total_power_w([(CommodityQuantity.HEAT_TEMPERATURE, 55.0)]) is None
