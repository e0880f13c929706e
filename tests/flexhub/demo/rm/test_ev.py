"""The car charger's Resource Manager, back to back with an energy manager."""

from datetime import timedelta
from typing import Any

import pytest

from s2.messages import (
    FRBCActuatorDescription,
    FRBCFillLevelTargetProfile,
    FRBCInstruction,
    FRBCSystemDescription,
    InstructionStatus,
)
from tests.support.demo_home import Pair, pair

DONE = [InstructionStatus.ACCEPTED, InstructionStatus.STARTED, InstructionStatus.SUCCEEDED]
HOUR_S = 3600.0


def selected(**parameters: Any) -> Pair:
    made = pair("EV_CHARGER", **parameters)
    made.select()
    return made


def actuator(home: Pair) -> FRBCActuatorDescription:
    return home.heard_of(FRBCSystemDescription)[-1].actuators[0]


def labels(home: Pair) -> list[str | None]:
    return [each.diagnostic_label for each in actuator(home).operation_modes]


def instruct(home: Pair, label: str, factor: float, *, id: str = "i1") -> None:  # noqa: A002 - S2's own word.
    chosen = next(each for each in actuator(home).operation_modes if each.diagnostic_label == label)
    home.say(
        FRBCInstruction(
            message_id=home.new_id(),
            id=id,
            actuator_id=actuator(home).id,
            operation_mode=chosen.id,
            operation_mode_factor=factor,
            execution_time=home.now - timedelta(seconds=1),
            abnormal_condition=False,
        )
    )


def power_w(home: Pair) -> float:
    return home.world.on.powers_w["EV_CHARGER"]


def test_charges_at_full_power_until_somebody_takes_control() -> None:
    home = pair("EV_CHARGER")
    assert power_w(home) == 7360

    home.select()

    assert power_w(home) == 0
    assert labels(home) == ["idle", "charging"]


def test_the_target_is_wanted_shortly_before_the_departure() -> None:
    home = selected()

    profile = home.heard_of(FRBCFillLevelTargetProfile)[-1]
    free, wanted = profile.elements
    ready = profile.start_time + timedelta(milliseconds=free.duration)
    assert ready == home.now + timedelta(hours=5, minutes=45)
    assert (free.fill_level_range.start_of_range, wanted.fill_level_range.start_of_range) == (0, 80)


def test_follows_the_factor() -> None:
    home = selected()

    instruct(home, "charging", 0.5)

    assert home.statuses_of("i1") == DONE
    assert power_w(home) == pytest.approx((1380 + 7360) / 2)


def test_a_car_that_gets_no_order_charges_after_a_while() -> None:
    home = selected()

    home.wait(880)
    assert power_w(home) == 0
    home.wait(40)

    assert power_w(home) == 7360


def test_a_car_that_leaves_and_comes_back_is_a_new_description_each_time() -> None:
    home = selected(soc=0.8)
    instruct(home, "idle", 0.0)

    home.wait(6 * HOUR_S + 60, tick_s=30)
    assert labels(home) == ["idle"]
    assert not home.heard_of(FRBCSystemDescription)[-1].storage.provides_fill_level_target_profile
    home.wait(2 * HOUR_S, tick_s=30)

    assert labels(home) == ["idle", "charging"]
    assert len(home.heard_of(FRBCSystemDescription)) == 3
    assert len(home.heard_of(FRBCFillLevelTargetProfile)) == 2
    assert home.rm.refused == 0


def test_an_instruction_that_waits_for_a_car_that_left_is_aborted() -> None:
    home = selected(departure_min=631.0)
    charging = actuator(home).operation_modes[1]
    home.say(
        FRBCInstruction(
            message_id=home.new_id(),
            id="later",
            actuator_id=actuator(home).id,
            operation_mode=charging.id,
            operation_mode_factor=1.0,
            execution_time=home.now + timedelta(minutes=10),
            abnormal_condition=False,
        )
    )

    home.wait(700)

    assert home.statuses_of("later") == [InstructionStatus.ACCEPTED, InstructionStatus.ABORTED]


def test_comfort_outranks_an_order_to_wait() -> None:
    home = selected(departure_min=660.0, soc=0.5)

    instruct(home, "idle", 0.0)

    assert home.statuses_of("i1") == [InstructionStatus.REJECTED]
    assert "comfort" in home.resource.last_refusal
    assert power_w(home) == 7360


def test_a_full_car_takes_no_more() -> None:
    home = selected(soc=1.0)

    instruct(home, "charging", 1.0)

    assert home.statuses_of("i1") == [InstructionStatus.REJECTED]
