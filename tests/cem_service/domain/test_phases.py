from __future__ import annotations

import pytest

from cem_service.domain.phases import EVEN, PhasePowers, PhaseShares, phase_powers_w, phase_shares
from s2.messages import CommodityQuantity, Message, PowerMeasurement, PowerRange, PowerValue
from tests.support.resources import (
    NOON,
    actuator,
    battery,
    dishwasher,
    element,
    measurement,
    mode,
    new_id,
    solar,
    store_messages,
)

L1, L2, L3 = (
    CommodityQuantity.ELECTRIC_POWER_L1,
    CommodityQuantity.ELECTRIC_POWER_L2,
    CommodityQuantity.ELECTRIC_POWER_L3,
)
SYMMETRIC = CommodityQuantity.ELECTRIC_POWER_3_PHASE_SYMMETRIC
GAS = CommodityQuantity.NATURAL_GAS_FLOW_RATE


def _store(*quantities: CommodityQuantity) -> list[Message]:
    """A store with a mode for each quantity."""
    modes = [mode(one.name, element((0, 10), (0, 1), (0, 3000), one)) for one in quantities]
    return store_messages(actuator(modes), levels=(0, 10), level=5.0, active=[])


@pytest.mark.parametrize(
    ("messages", "shares"),
    [
        (_store(L1), (1.0, 0.0, 0.0)),
        (_store(L3), (0.0, 0.0, 1.0)),
        (_store(SYMMETRIC), EVEN),
        (_store(L1, SYMMETRIC), (1.0, 1 / 3, 1 / 3)),
        (_store(GAS), EVEN),
        ([measurement(0.0, NOON, L2)], (0.0, 1.0, 0.0)),
        ([], EVEN),
    ],
)
def test_says_how_much_a_phase_may_carry(messages: list[Message], shares: PhaseShares) -> None:
    assert phase_shares(messages) == pytest.approx(shares)


def test_phases_that_are_loaded_unevenly_keep_their_shares() -> None:
    ranges = (
        PowerRange(start_of_range=0.0, end_of_range=3000.0, commodity_quantity=L1),
        PowerRange(start_of_range=0.0, end_of_range=1000.0, commodity_quantity=L2),
    )
    plain = element((0, 10), (0, 1), (0, 0))
    uneven = type(plain)(
        fill_level_range=plain.fill_level_range, fill_rate=plain.fill_rate, power_ranges=ranges, running_costs=None
    )

    shares = phase_shares(store_messages(actuator([mode("m1", uneven)]), levels=(0, 10), level=5.0, active=[]))

    assert shares == pytest.approx((0.75, 0.25, 0.0))


def test_every_control_type_knows_its_phases() -> None:
    assert {battery().phase_shares, solar().phase_shares, dishwasher().phase_shares} == {(1.0, 0.0, 0.0)}


@pytest.mark.parametrize(
    ("values", "powers"),
    [
        ([(L1, 300.0), (L2, -200.0), (L3, 0.0)], (300.0, -200.0, 0.0)),
        ([(SYMMETRIC, 900.0)], (300.0, 300.0, 300.0)),
        ([(L1, 300.0)], None),
        ([(GAS, 1.0)], None),
    ],
)
def test_reads_phases_only_where_they_are_told_apart(
    values: list[tuple[CommodityQuantity, float]], powers: PhasePowers | None
) -> None:
    reading = PowerMeasurement(
        message_id=new_id(),
        measurement_timestamp=NOON,
        values=tuple(PowerValue(commodity_quantity=quantity, value=value) for quantity, value in values),
    )

    assert phase_powers_w((one.commodity_quantity, one.value) for one in reading.values) == powers
