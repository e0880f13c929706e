"""A CEM that dies at a bad moment: for each control type a day later nothing is worse than for a device left alone.

What the gateway does then is tested where it is; here it has done it, and the device is a simulated one whose physics
says what it cost. Until it is released, and reads and writes have taken their time, the last order has its way.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from flexhub.gateway.limits import CEM_RELEASE_AFTER_S
from s2.messages import ControlType, PPBCStartInterruptionInstruction
from tests.rm_adapters.hosted_home import Home
from tests.rm_adapters.instructing import charge, heat, limit, run_part, supply

DAY = timedelta(days=1)
# With the round in which the gateway notices, and a minute for the adapter.
UNTIL_RELEASED = timedelta(seconds=1.05 * CEM_RELEASE_AFTER_S + 60)
HOURS = UNTIL_RELEASED / timedelta(hours=1)


def give_all(home: Home) -> None:
    home.instruct(charge(home, "discharge"))


def cut_to_nothing(home: Home) -> None:
    home.instruct(limit(home, (60, 0.0)))


def heat_on(home: Home) -> None:
    home.instruct(heat(home, "on"))


def stop_heating(home: Home) -> None:
    home.instruct(heat(home, "off"))


def burn_gas(home: Home) -> None:
    home.instruct(supply(home, "gas boiler", "on", 1.0))


def pause_the_program(home: Home) -> None:
    home.instruct(run_part(home, 0))
    home.wait(minutes=10)
    home.instruct(run_part(home, 0, kind=PPBCStartInterruptionInstruction))


def battery_is_as_good(left: Any, alone: Any) -> bool:
    given_wh = alone.power_w * HOURS / alone.efficiency
    return bool(left.mode == "auto" and left.stored_wh >= alone.stored_wh - given_wh)


def roof_is_as_good(left: Any, alone: Any) -> bool:
    return bool(left.limit_w is None and left.produced_wh >= alone.produced_wh - alone.peak_w * HOURS)


def heater_is_as_good(left: Any, alone: Any) -> bool:
    more_wh = (left.drawn_wh - alone.drawn_wh) - (left.room_c - alone.room_c) * alone.wh_per_k
    return bool(left.setting == "auto" and 19.7 <= left.room_c <= 20.3 and more_wh <= 1_000.0 * HOURS)


def hybrid_is_as_good(left: Any, alone: Any) -> bool:
    """Heat at the cost of gas instead of electricity, for as long as the order had its way."""
    settings = (left.pump.setting, left.boiler.setting)
    is_warm = left.house_c >= alone.house_c - 0.1
    return bool(settings == ("auto", "auto") and is_warm and left.gas_wh <= alone.gas_wh + 21_100 * HOURS)


def washer_is_as_good(left: Any, alone: Any) -> bool:
    is_done = left.spin.finished_at is not None and left.spin.finished_at <= left.ready_by
    return bool(is_done and left.drawn_wh == pytest.approx(alone.drawn_wh))


@pytest.mark.parametrize(
    ("kind", "order", "is_as_good"),
    [
        ("battery", give_all, battery_is_as_good),
        ("roof", cut_to_nothing, roof_is_as_good),
        ("heater", heat_on, heater_is_as_good),
        ("heater", stop_heating, heater_is_as_good),
        ("hybrid", burn_gas, hybrid_is_as_good),
        ("washer", pause_the_program, washer_is_as_good),
    ],
)
def test_a_released_device_is_as_good_as_one_left_alone(
    kind: str, order: Callable[[Home], None], is_as_good: Callable[[Any, Any], bool]
) -> None:
    home = Home(kind).select()
    alone = home.machine
    home.wait(minutes=10)
    order(home)

    home.wait(seconds=1.05 * CEM_RELEASE_AFTER_S)
    home.select(ControlType.NO_SELECTION)
    home.wait(minutes=10)

    # Nothing of ours holds it any more, so the rest is between the device and its vendor.
    assert home.resource().is_free
    assert is_as_good(home.machine.advance(home.now + DAY), alone.advance(home.now + DAY))
