"""Simulated batteries, roofs and washing machines: what they are told, and what they then do."""

from __future__ import annotations

from datetime import timedelta

import pytest

from s2.messages import (
    FRBCActuatorStatus,
    FRBCStorageStatus,
    InstructionStatus,
    PowerMeasurement,
    PPBCEndInterruptionInstruction,
    PPBCPowerProfileStatus,
    PPBCStartInterruptionInstruction,
    RevokeObject,
)
from tests.rm_adapters.hosted_home import Home, energy_wh
from tests.rm_adapters.instructing import charge, limit, run_part

ACCEPTED, REJECTED = InstructionStatus.ACCEPTED, InstructionStatus.REJECTED
STARTED, SUCCEEDED = InstructionStatus.STARTED, InstructionStatus.SUCCEEDED
ABORTED, REVOKED = InstructionStatus.ABORTED, InstructionStatus.REVOKED

DONE = [ACCEPTED, STARTED, SUCCEEDED]


def test_a_battery_discharges_most_at_factor_0() -> None:
    home = Home("battery").select()

    instruction_id = home.instruct(charge(home, "discharge", 0.7))
    home.wait(minutes=5)

    assert home.course(instruction_id) == DONE
    assert home.machine.factor == 0.3
    assert home.heard(FRBCActuatorStatus)[-1].operation_mode_factor == 0.7
    assert home.heard(PowerMeasurement)[-1].values[0].value == -1500.0
    home.check()


def test_a_battery_charges_as_instructed_and_the_energy_adds_up() -> None:
    home = Home("battery").select()

    instruction_id = home.instruct(charge(home, "charge", 0.5))
    home.wait(minutes=90)

    assert home.course(instruction_id) == DONE
    status = home.heard(FRBCActuatorStatus)[-1]
    assert (status.operation_mode_factor, status.transition_timestamp is not None) == (0.5, True)
    assert home.heard(FRBCStorageStatus)[-1].present_fill_level == pytest.approx(50 + 2.5 * 1.5 * 9.5, rel=0.02)
    assert energy_wh(home) == pytest.approx(home.machine.drawn_wh, rel=0.05)
    home.check()


def test_a_battery_is_given_back_when_it_comes_to_its_reserve() -> None:
    home = Home("battery").select()

    home.instruct(charge(home, "discharge", 0.0))
    home.wait(hours=2)

    assert home.machine.mode == "auto"
    assert 100 * home.machine.stored_wh / home.machine.capacity_wh == pytest.approx(10.0)
    assert energy_wh(home) == pytest.approx(-home.machine.given_wh, rel=0.05)
    home.check()  # The CEM has driven it to the end of its range, where it stops by itself.


def test_a_reversal_within_the_rest_of_the_converter_is_refused() -> None:
    home = Home("battery").select()
    home.instruct(charge(home, "charge", 1.0))
    home.wait(seconds=10)
    turned = home.instruct(charge(home, "discharge", 0.0))
    home.wait(seconds=10)

    back = home.instruct(charge(home, "charge", 1.0))
    home.wait(minutes=5)

    assert home.course(turned) == DONE
    assert home.course(back) == [REJECTED]
    assert home.reasons() == ["DURABILITY"]
    home.check(allowed={"R-54"})


def test_a_reversal_shortly_before_its_time_waits() -> None:
    home = Home("battery").select()
    home.instruct(charge(home, "charge", 1.0))
    home.wait(seconds=10)
    home.instruct(charge(home, "discharge", 0.0))
    home.wait(seconds=90)

    back = home.instruct(charge(home, "charge", 1.0))
    early = home.course(back)
    home.wait(minutes=1)

    assert early == [ACCEPTED]
    assert home.course(back) == DONE
    home.check(allowed={"R-54"})


def test_a_roof_keeps_to_each_element_and_is_free_afterwards() -> None:
    home = Home("roof").select()

    instruction_id = home.instruct(limit(home, (15, 1000.0), (15, 500.0)))
    home.wait(minutes=10)
    first = home.machine.limit_w
    home.wait(minutes=10)
    second = home.machine.limit_w
    running = home.course(instruction_id)
    home.wait(minutes=15)

    assert (first, second, home.machine.limit_w) == (1000.0, 500.0, None)
    assert running == [ACCEPTED, STARTED]
    assert home.course(instruction_id) == DONE
    home.check()


def test_a_roof_produces_what_it_measures() -> None:
    home = Home("roof").select()

    home.instruct(limit(home, (120, 2000.0)))
    home.wait(hours=6)

    assert energy_wh(home) == pytest.approx(-home.machine.produced_wh, rel=0.05)
    assert home.machine.lost_wh > 0
    home.check()


def test_a_new_envelope_takes_the_place_of_the_running_one() -> None:
    home = Home("roof").select()
    former = home.instruct(limit(home, (60, 1000.0)))
    home.wait(minutes=5)

    latter = home.instruct(limit(home, (60, 3000.0)))
    home.wait(minutes=5)

    assert home.course(former) == [ACCEPTED, STARTED, ABORTED]
    assert home.course(latter) == [ACCEPTED, STARTED]
    assert home.machine.limit_w == 3000.0
    home.check()


def test_an_envelope_for_later_waits_and_can_be_revoked() -> None:
    home = Home("roof").select()
    instruction = limit(home, (60, 1000.0), at=home.now + timedelta(hours=1))
    home.instruct(instruction)
    home.wait(minutes=30)

    home.revoke(instruction)
    home.wait(hours=1)

    assert home.course(instruction.id) == [ACCEPTED, REVOKED]
    assert home.executed == []
    home.check()


def test_a_revoked_envelope_sets_the_roof_free() -> None:
    home = Home("roof").select()
    instruction = limit(home, (60, 1000.0))
    home.instruct(instruction)
    home.wait(minutes=5)

    home.revoke(instruction)
    home.wait(minutes=1)

    assert home.course(instruction.id) == [ACCEPTED, STARTED, REVOKED]
    assert home.machine.limit_w is None
    home.check()


def test_a_washing_machine_runs_pauses_and_ends_its_program() -> None:
    home = Home("washer").select()
    wash = home.instruct(run_part(home, 0, after=timedelta(minutes=20)))
    scheduled = [each.status.value for each in home.heard(PPBCPowerProfileStatus)[-1].sequence_container_status]
    home.wait(minutes=40)

    pause = home.instruct(run_part(home, 0, kind=PPBCStartInterruptionInstruction))
    home.wait(minutes=10)
    resume = home.instruct(run_part(home, 0, kind=PPBCEndInterruptionInstruction))
    home.wait(minutes=90)
    spin = home.instruct(run_part(home, 1))
    home.wait(minutes=30)

    assert scheduled == ["SCHEDULED", "NOT_SCHEDULED"]
    assert [home.course(each) for each in (wash, pause, resume, spin)] == [DONE] * 4
    statuses = home.heard(PPBCPowerProfileStatus)[-1].sequence_container_status
    assert [each.status.value for each in statuses] == ["FINISHED", "FINISHED"]
    assert energy_wh(home) == pytest.approx(home.machine.drawn_wh, rel=0.05)
    home.check()


def test_a_washing_machine_begins_by_itself_when_it_can_wait_no_longer() -> None:
    home = Home("washer").select().wait(hours=9)

    statuses = [each.sequence_container_status[0].status.value for each in home.heard(PPBCPowerProfileStatus)]

    assert list(dict.fromkeys(statuses)) == ["NOT_SCHEDULED", "EXECUTING", "FINISHED"]
    assert home.executed == []
    home.check()


def test_another_filling_is_another_profile() -> None:
    home = Home("washer").select().wait(hours=9)

    home.cloud.fill_washer("washer", home.now + timedelta(hours=6))
    home.wait(minutes=5)

    (revocation,) = home.heard(RevokeObject)
    assert home.heard_types().count("PPBC.PowerProfileDefinition") == 2
    assert home.instruct(run_part(home, 0)) is not None
    assert revocation.object_type == "PPBC.PowerProfileDefinition"
    home.check()


def test_a_program_that_runs_is_not_stopped_by_a_revocation() -> None:
    home = Home("washer").select()
    instruction = run_part(home, 0)
    home.instruct(instruction)
    home.wait(minutes=10)

    home.revoke(instruction)
    home.wait(hours=2)

    assert home.course(instruction.id) == DONE
    home.check()
