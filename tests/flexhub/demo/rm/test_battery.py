"""The battery's Resource Manager, back to back with an energy manager."""

from datetime import timedelta
from typing import Any

import pytest

from s2.messages import (
    ControlType,
    FRBCActuatorDescription,
    FRBCActuatorStatus,
    FRBCInstruction,
    FRBCOperationMode,
    FRBCStorageStatus,
    FRBCSystemDescription,
    InstructionStatus,
    PowerMeasurement,
    RevokableObjects,
    RevokeObject,
)
from tests.support.demo_home import Pair, pair

ACCEPTED, STARTED, SUCCEEDED = InstructionStatus.ACCEPTED, InstructionStatus.STARTED, InstructionStatus.SUCCEEDED
DONE = [ACCEPTED, STARTED, SUCCEEDED]


def selected(**parameters: Any) -> Pair:
    made = pair("BATTERY", **parameters)
    made.select()
    return made


def actuator(home: Pair) -> FRBCActuatorDescription:
    return home.heard_of(FRBCSystemDescription)[-1].actuators[0]


def mode(home: Pair, label: str) -> FRBCOperationMode:
    return next(each for each in actuator(home).operation_modes if each.diagnostic_label == label)


def instruct(home: Pair, label: str, factor: float, *, id: str = "i1", after_s: float = 0.0) -> None:  # noqa: A002
    home.say(
        FRBCInstruction(
            message_id=home.new_id(),
            id=id,
            actuator_id=actuator(home).id,
            operation_mode=mode(home, label).id,
            operation_mode_factor=factor,
            execution_time=home.now + timedelta(seconds=after_s),
            abnormal_condition=False,
        )
    )


def power_w(home: Pair) -> float:
    return home.world.on.powers_w["BATTERY"]


def test_describes_itself_when_selected() -> None:
    home = selected()

    assert [each.diagnostic_label for each in actuator(home).operation_modes] == ["idle", "charge", "discharge"]
    assert len(actuator(home).transitions) == 6
    assert home.heard_of(FRBCStorageStatus)[-1].present_fill_level == 50
    assert home.heard_of(FRBCActuatorStatus)[-1].active_operation_mode_id == mode(home, "idle").id
    assert home.rm.refused == 0


def test_says_nothing_about_its_storage_before_it_is_selected() -> None:
    home = pair("BATTERY")

    home.wait(300)

    assert home.heard_of(PowerMeasurement)
    assert not home.heard_of(FRBCSystemDescription)


def test_obeys_at_once() -> None:
    home = selected()

    instruct(home, "charge", 0.6)

    assert home.statuses_of("i1") == DONE
    assert power_w(home) == pytest.approx(3000)
    status = home.heard_of(FRBCActuatorStatus)[-1]
    assert (status.active_operation_mode_id, status.operation_mode_factor) == (mode(home, "charge").id, 0.6)
    assert status.previous_operation_mode_id == mode(home, "idle").id


def test_reports_its_power_and_its_level_as_they_change() -> None:
    home = selected()
    instruct(home, "discharge", 0.2)

    home.wait(600)

    assert home.heard_of(PowerMeasurement)[-1].values[0].value == pytest.approx(-4000)
    levels = [each.present_fill_level for each in home.heard_of(FRBCStorageStatus)]
    assert levels == sorted(levels, reverse=True)
    assert len(levels) >= 10
    assert home.rm.refused == 0


def test_a_future_instruction_waits_for_its_time() -> None:
    home = selected()

    instruct(home, "charge", 1.0, after_s=302)
    assert home.statuses_of("i1") == [ACCEPTED]
    assert home.rm.next_due_s() == home.now.timestamp() + 302
    home.wait(302)

    assert home.statuses_of("i1") == DONE
    assert power_w(home) == pytest.approx(5000)


def test_a_newer_instruction_replaces_what_comes_later() -> None:
    home = selected()
    instruct(home, "charge", 1.0, id="late", after_s=600)
    instruct(home, "charge", 0.5, id="early", after_s=60)

    instruct(home, "discharge", 0.0, id="between", after_s=300)
    home.wait(900)

    assert home.statuses_of("late") == [ACCEPTED, InstructionStatus.REVOKED]
    assert home.statuses_of("early") == DONE
    assert home.statuses_of("between") == DONE
    assert power_w(home) == pytest.approx(-5000)


def test_a_revoked_instruction_is_never_executed() -> None:
    home = selected()
    instruct(home, "charge", 1.0, after_s=60)

    home.say(RevokeObject(message_id=home.new_id(), object_type=RevokableObjects.FRBC_INSTRUCTION, object_id="i1"))
    home.wait(120)

    assert home.statuses_of("i1") == [ACCEPTED, InstructionStatus.REVOKED]
    assert power_w(home) == 0


def test_refuses_to_charge_when_full() -> None:
    home = selected(soc=1.0)

    instruct(home, "charge", 1.0)

    assert home.statuses_of("i1") == [InstructionStatus.REJECTED]
    assert "full" in home.resource.last_refusal
    assert home.resource.outcomes["REJECTED"] == 1


def test_an_accepted_instruction_that_becomes_impossible_is_aborted() -> None:
    home = selected(soc=0.99)
    instruct(home, "charge", 1.0, id="now")
    instruct(home, "charge", 0.9, id="later", after_s=900)

    home.wait(1000)

    assert home.statuses_of("later") == [ACCEPTED, InstructionStatus.ABORTED]


def test_goes_idle_by_itself_when_full_and_says_so() -> None:
    home = selected(soc=0.99)
    instruct(home, "charge", 1.0)

    home.wait(900)

    assert home.heard_of(FRBCActuatorStatus)[-1].active_operation_mode_id == mode(home, "idle").id
    assert home.heard_of(FRBCStorageStatus)[-1].present_fill_level == 100
    assert power_w(home) == 0


def test_a_single_mode_runs_from_full_discharge_to_full_charge() -> None:
    home = selected(single_mode=True)

    assert len(actuator(home).operation_modes) == 1
    instruct(home, "run", 0.5, id="still")
    assert power_w(home) == pytest.approx(0)
    instruct(home, "run", 0.0, id="down")

    assert power_w(home) == pytest.approx(-5000)
    assert home.statuses_of("down") == DONE


def test_nothing_of_the_old_session_is_executed_or_reported_in_the_new_one() -> None:
    home = selected()
    instruct(home, "charge", 1.0, after_s=60)

    home.reconnect()
    home.heard.clear()
    home.wait(120)
    home.select(ControlType.FILL_RATE_BASED_CONTROL)
    home.wait(120)

    assert home.statuses_of("i1") == []
    assert home.heard_of(FRBCSystemDescription)
    assert power_w(home) == 0
    assert home.rm.refused == 0


def test_released_it_idles() -> None:
    home = selected()
    instruct(home, "charge", 1.0)

    home.resource.release(home.now.timestamp())
    home.world.look()

    assert power_w(home) == 0
    assert not home.resource.controlled
