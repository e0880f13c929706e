"""The heat pump's Resource Manager, back to back with an energy manager."""

from typing import Any

import pytest

from s2.messages import (
    FRBCActuatorDescription,
    FRBCActuatorStatus,
    FRBCInstruction,
    FRBCLeakageBehaviour,
    FRBCSystemDescription,
    FRBCTimerStatus,
    FRBCUsageForecast,
    InstructionStatus,
)
from tests.support.demo_home import Pair, pair

DONE = [InstructionStatus.ACCEPTED, InstructionStatus.STARTED, InstructionStatus.SUCCEEDED]


def selected(**parameters: Any) -> Pair:
    made = pair("HEAT_PUMP", **parameters)
    made.select()
    return made


def actuator(home: Pair) -> FRBCActuatorDescription:
    return home.heard_of(FRBCSystemDescription)[-1].actuators[0]


def instruct(home: Pair, label: str, factor: float = 0.0, *, id: str = "i1") -> None:  # noqa: A002 - S2's own word.
    chosen = next(each for each in actuator(home).operation_modes if each.diagnostic_label == label)
    home.say(
        FRBCInstruction(
            message_id=home.new_id(),
            id=id,
            actuator_id=actuator(home).id,
            operation_mode=chosen.id,
            operation_mode_factor=factor,
            execution_time=home.now,
            abnormal_condition=False,
        )
    )


def test_offers_modes_bands_timers_leakage_and_usage() -> None:
    home = selected()

    off, on = actuator(home).operation_modes
    assert len(on.elements) == len(off.elements) == 5
    assert on.elements[0].fill_rate.end_of_range > on.elements[-1].fill_rate.end_of_range > 0
    assert [each.duration for each in actuator(home).timers] == [600_000, 600_000]
    assert len(home.heard_of(FRBCTimerStatus)) == 2
    assert len(home.heard_of(FRBCLeakageBehaviour)[-1].elements) == 5
    assert len(home.heard_of(FRBCUsageForecast)[-1].elements) == 24
    assert home.rm.refused == 0


def test_a_switch_starts_the_timer_that_blocks_the_way_back() -> None:
    home = selected()

    start, stop = actuator(home).transitions[1], actuator(home).transitions[0]
    if start.from_ != actuator(home).operation_modes[0].id:
        start, stop = stop, start

    assert start.start_timers == stop.blocking_timers
    assert stop.start_timers == start.blocking_timers


def test_switching_back_at_once_would_wear_out_the_compressor() -> None:
    home = selected()
    instruct(home, "on", id="on")
    home.wait(60)

    instruct(home, "off", id="too-soon")
    home.wait(600)
    instruct(home, "off", id="in-time")

    assert home.statuses_of("on") == DONE
    assert home.statuses_of("too-soon") == [InstructionStatus.REJECTED]
    assert "wear" in home.resource.last_refusal
    assert home.statuses_of("in-time") == DONE


def test_modulates_between_its_lowest_share_and_full_power() -> None:
    home = selected(lowest_share=0.4)

    instruct(home, "on", 0.5)

    assert home.world.on.powers_w["HEAT_PUMP"] == pytest.approx(2500 * 0.7)
    assert home.heard_of(FRBCActuatorStatus)[-1].operation_mode_factor == pytest.approx(0.5)


@pytest.mark.parametrize("temperature_c", [43.1, 45.4])
def test_a_buffer_that_would_not_outlast_a_shower_keeps_being_heated(temperature_c: float) -> None:
    home = selected(temperature_c=temperature_c, running=True)

    instruct(home, "off")

    assert home.statuses_of("i1") == [InstructionStatus.REJECTED]
    assert "comfort" in home.resource.last_refusal
    assert home.world.on.powers_w["HEAT_PUMP"] == 2500


def test_a_buffer_at_its_top_is_not_heated() -> None:
    home = selected(temperature_c=54.8)

    instruct(home, "on")

    assert home.statuses_of("i1") == [InstructionStatus.REJECTED]
    assert "safety" in home.resource.last_refusal


def test_forecasts_again_each_hour() -> None:
    home = selected()

    home.wait(2 * 3600 + 60, tick_s=30)

    assert len(home.heard_of(FRBCUsageForecast)) == 3


def test_stays_in_its_comfort_band_when_it_is_forced_on() -> None:
    home = selected()
    instruct(home, "on")

    home.wait(8 * 3600, tick_s=30)

    heat_pump = home.world.on.heat_pump
    assert heat_pump is not None
    assert heat_pump.discomfort_s == 0
    assert heat_pump.temperature_c < 56
