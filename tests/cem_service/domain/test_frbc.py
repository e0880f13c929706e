from __future__ import annotations

from datetime import timedelta

import pytest

from s2.messages import CommodityQuantity, FRBCOperationModeElement, PowerRange
from tests.support.resources import (
    L1,
    NOON,
    actuator,
    battery,
    element,
    heat_pump,
    mode,
    number_range,
    read_store,
    store_messages,
)


def test_a_level_on_the_boundary_of_two_bands_belongs_to_the_upper_one() -> None:
    banded = mode("m1", element((0, 10), (1, 1), (100, 100)), element((10, 20), (2, 2), (200, 200)))
    resource = read_store(
        "store", store_messages(actuator((banded,)), levels=(0, 20), level=10.0, active=[("actuator", "m1", 0.0)])
    )
    read = resource.actuators[0].modes["m1"]

    rates = [found.rate(0.0) if (found := read.element_at(level)) else None for level in (-0.1, 0, 9.9, 10, 20, 20.1)]

    assert rates == [None, 1, 1, 2, 2, None]
    assert resource.power_w(NOON) == 200


def test_the_factor_for_a_power_is_clamped_and_works_downwards() -> None:
    resource = battery()
    discharge = resource.actuators[0].modes["discharge"].elements[0]
    idle = resource.actuators[0].modes["idle"].elements[0]

    assert discharge.factor_for(-2500.0) == pytest.approx(0.5)
    assert discharge.factor_for(1000.0) == 0.0
    assert discharge.factor_for(-9000.0) == 1.0
    assert idle.factor_for(1000.0) == 0.0


def test_power_adds_up_the_electric_quantities_only() -> None:
    phases = FRBCOperationModeElement(
        fill_level_range=number_range(0, 1),
        fill_rate=number_range(0, 0),
        power_ranges=tuple(
            PowerRange(start_of_range=value, end_of_range=value, commodity_quantity=quantity)
            for quantity, value in (
                (L1, 100.0),
                (CommodityQuantity.ELECTRIC_POWER_L2, 50.0),
                (CommodityQuantity.NATURAL_GAS_FLOW_RATE, 7.0),
            )
        ),
    )
    messages = store_messages(
        actuator((mode("m1", phases),)), levels=(0, 1), level=0.5, active=[("actuator", "m1", 0.0)]
    )

    assert read_store("boiler", messages).power_w(NOON) == 150.0


@pytest.mark.parametrize(
    ("level", "active", "reason"),
    [
        (None, [("actuator", "m1", 0.0)], "storage status"),
        (1.0, [], "actuator status"),
        (1.0, [("actuator", "gone", 0.0)], "actuator status"),
    ],
)
def test_is_not_ready_while_a_piece_is_missing(
    level: float | None, active: list[tuple[str, str, float]], reason: str
) -> None:
    description = actuator((mode("m1", element((0, 10), (0, 0), (0, 0))),))
    resource = read_store("store", store_messages(description, levels=(0, 10), level=level, active=active))

    assert not resource.ready
    assert not resource.controllable
    assert reason in (resource.not_ready or "")


def test_a_description_of_the_future_is_not_in_force() -> None:
    description = actuator((mode("m1", element((0, 10), (0, 0), (0, 0))),))
    messages = store_messages(
        description, levels=(0, 10), level=1.0, active=[("actuator", "m1", 0.0)], now=NOON + timedelta(hours=3)
    )

    assert "holds from" in (read_store("store", messages).not_ready or "")


def test_a_blocking_timer_closes_a_way_until_it_ends() -> None:
    resource = heat_pump(min_off_until=NOON + timedelta(minutes=5))
    unit = resource.actuators[0]

    assert not unit.may_switch("on", NOON)
    assert unit.may_switch("off", NOON)
    assert unit.may_switch("on", NOON + timedelta(minutes=5))
    assert not unit.may_switch("unknown", NOON)


def test_says_how_much_energy_a_unit_of_level_is() -> None:
    assert battery().kwh_per_unit == pytest.approx(0.95)
    assert battery().can_discharge
    assert heat_pump().drains
    assert heat_pump().leakage_at(45.0) == pytest.approx(0.00005)
