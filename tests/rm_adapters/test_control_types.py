"""Each simulated device under its control type, from the selection to the end of what it was told."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from s2python.s2_parser import S2Parser

from rm_adapters.sdk import Preferences
from s2.messages import (
    CommodityQuantity,
    ControlType,
    DDBCActuatorStatus,
    DDBCPresentDemandStatus,
    DDBCSystemDescription,
    FRBCActuatorStatus,
    FRBCStorageStatus,
    FRBCSystemDescription,
    InstructionStatus,
    Message,
    OMBCStatus,
    OMBCSystemDescription,
    OMBCTimerStatus,
    PEBCPowerConstraints,
    PowerMeasurement,
    PPBCEndInterruptionInstruction,
    PPBCPowerProfileDefinition,
    PPBCPowerProfileStatus,
    PPBCStartInterruptionInstruction,
    RevokeObject,
    dump_message,
)
from s2.versions import WireProfile
from tests.rm_adapters.hosted_home import MENUS, Home
from tests.rm_adapters.instructing import charge, heat, limit, run_part, supply

ACCEPTED, REJECTED = InstructionStatus.ACCEPTED, InstructionStatus.REJECTED
STARTED, SUCCEEDED = InstructionStatus.STARTED, InstructionStatus.SUCCEEDED
ABORTED, REVOKED = InstructionStatus.ABORTED, InstructionStatus.REVOKED

DONE = [ACCEPTED, STARTED, SUCCEEDED]


MENU_CLASSES: dict[str, type[Message]] = {
    "battery": FRBCSystemDescription,
    "roof": PEBCPowerConstraints,
    "washer": PPBCPowerProfileDefinition,
    "heater": OMBCSystemDescription,
    "hybrid": DDBCSystemDescription,
}


def energy_wh(home: Home, quantity: CommodityQuantity = CommodityQuantity.ELECTRIC_POWER_L1) -> float:
    """The energy that the published measurements tell of: each holds until the next one."""
    points = [
        (each.measurement_timestamp, value.value)
        for each in home.heard(PowerMeasurement)
        for value in each.values
        if value.commodity_quantity is quantity
    ]
    ends = [moment for moment, _ in points[1:]] + [home.now]
    return sum((end - moment) / timedelta(hours=1) * value for (moment, value), end in zip(points, ends, strict=True))


@pytest.mark.parametrize("kind", MENUS)
def test_introduces_itself_and_then_waits_to_be_selected(kind: str) -> None:
    home = Home(kind)

    types = home.heard_types()

    assert types[0] == "ResourceManagerDetails"
    assert set(types[1:]) <= {"PowerForecast", "PowerMeasurement"}
    home.check()


@pytest.mark.parametrize("kind", MENUS)
def test_describes_itself_after_the_selection_and_again_after_the_next(kind: str) -> None:
    home = Home(kind)

    for _ in range(2):
        before = len(home.heard_types())
        home.select()
        assert home.heard_types()[before:] == MENUS[kind]

    home.check()


@pytest.mark.parametrize("kind", MENUS)
def test_says_nothing_of_a_control_type_after_it_was_given_up(kind: str) -> None:
    home = Home(kind).select()

    home.select(ControlType.NO_SELECTION)
    before = len(home.heard_types())
    home.wait(minutes=30)

    assert not [each for each in home.heard_types()[before:] if "." in each]
    home.check()


@pytest.mark.parametrize("kind", MENUS)
def test_says_what_is_news_only(kind: str) -> None:
    home = Home(kind).select().wait(hours=1)

    descriptions = [each for each in home.heard_types() if each == MENUS[kind][0]]

    assert len(descriptions) == 1
    home.check()


def test_a_battery_discharges_most_at_factor_0() -> None:
    home = Home("battery").select()

    instruction_id = home.instruct(charge(home, "discharge", 0.7))
    home.wait(minutes=5)

    assert home.course(instruction_id) == DONE
    assert home.machine.factor == 0.3
    assert home.heard(FRBCActuatorStatus)[-1].operation_mode_factor == 0.7
    assert home.heard(PowerMeasurement)[-1].values[0].value == -1500.0
    home.check()


@pytest.mark.parametrize("kind", ["battery", "roof", "washer", "heater"])
def test_s2_python_can_read_what_a_device_offers(kind: str) -> None:
    """Of DDBC, s2-python 0.11 refuses every description."""
    home = Home(kind, profile=WireProfile.V0_0_2_BETA).select()

    for message in home.heard(MENU_CLASSES[kind]):
        text = re.sub(r'"message_id":"[^"]+"', f'"message_id":"{uuid4()}"', dump_message(message, home.profile))
        assert S2Parser.parse_as_any_message(text) is not None


@pytest.mark.parametrize("kind", MENUS)
def test_all_ids_of_a_device_are_uuids(kind: str) -> None:
    """What R-05 wants, and what s2-python takes nothing else for."""
    home = Home(kind).select()

    for message in home.heard(MENU_CLASSES[kind]):
        texts = re.findall(r'"(?:[iI]d|[a-z_]+_id|from|to)":"([^"]+)"', dump_message(message, home.profile))
        own = [each for each in texts if not each.startswith("id-")]  # Those are of the messages.
        assert own
        assert [str(UUID(each)) for each in own] == own


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


def test_a_heater_is_off_until_the_room_gets_cold() -> None:
    home = Home("heater", preferences=Preferences(comfort={"room_c": (18.0, 23.0)})).select().wait(minutes=10)
    if home.machine.mode == "on":
        home.wait(minutes=5)

    off = home.instruct(heat(home, "off"))
    home.wait(hours=3)

    assert home.course(off) == DONE
    assert home.machine.setting == "auto"
    assert home.machine.room_c >= 17.9
    assert energy_wh(home) == pytest.approx(home.machine.drawn_wh, rel=0.05)
    home.check(allowed={"R-114"})


def test_comfort_says_no_unless_the_condition_is_abnormal() -> None:
    home = Home("heater", preferences=Preferences(comfort={"room_c": (21.0, 23.0)})).select().wait(minutes=10)

    refused = home.instruct(heat(home, "off"))
    home.wait(minutes=1)
    emergency = home.instruct(heat(home, "off", abnormal=True))
    home.wait(minutes=1)

    assert home.course(refused) == [REJECTED]
    assert home.reasons() == ["COMFORT"]
    assert home.course(emergency) == DONE
    home.check(allowed={"R-114", "R-40"})


def test_a_heater_tells_how_long_it_has_to_run() -> None:
    home = Home("heater").select()

    on = home.instruct(heat(home, "on"))
    home.wait(minutes=1)
    too_early = home.instruct(heat(home, "off"))
    home.wait(minutes=4)
    off = home.instruct(heat(home, "off"))
    home.wait(minutes=1)

    assert [home.course(each) for each in (on, too_early, off)] == [DONE, [REJECTED], DONE]
    started = home.heard(OMBCStatus)[1].transition_timestamp
    assert started is not None
    assert started + timedelta(minutes=3) in [each.finished_at for each in home.heard(OMBCTimerStatus)]
    home.check(allowed={"R-54"})


def test_a_way_that_does_not_exist_is_refused() -> None:
    home = Home("heater").select()

    boost = home.instruct(heat(home, "boost"))

    assert home.course(boost) == [REJECTED]
    assert home.reasons() == ["CONTRACT"]
    home.check(allowed={"R-52"})


def test_an_instruction_for_later_is_carried_out_then() -> None:
    home = Home("heater").select()
    begin = home.now + timedelta(minutes=30)

    on = home.instruct(heat(home, "on", at=begin))
    home.wait(minutes=29)
    before = home.executed[:]
    home.wait(minutes=2)

    assert before == []
    assert home.course(on) == DONE
    assert begin <= home.cloud.written[0][0] < begin + timedelta(seconds=15)
    home.check()


@pytest.mark.parametrize("profile", WireProfile)
def test_a_hybrid_changes_from_electricity_to_gas(profile: WireProfile) -> None:
    home = Home("hybrid", profile=profile).select().wait(minutes=30)

    boiler = home.instruct(supply(home, "gas boiler", "on", 0.1))
    pump = home.instruct(supply(home, "heat pump", "off"))
    home.wait(minutes=30)

    assert [home.course(each) for each in (boiler, pump)] == [DONE, DONE]
    assert (home.machine.pump.heat_w, home.machine.boiler.heat_w) == (0.0, 4700.0)
    statuses = {each.actuator_id: each for each in home.heard(DDBCActuatorStatus)}
    assert sorted(each.operation_mode_factor for each in statuses.values()) == [0.0, 0.1]
    home.check(allowed={"R-141"})


def test_a_hybrid_accounts_for_its_electricity_and_its_gas() -> None:
    home = Home("hybrid").select().wait(hours=2)
    home.instruct(supply(home, "gas boiler", "on", 0.2))

    home.wait(hours=4)

    gas_wh = energy_wh(home, CommodityQuantity.NATURAL_GAS_FLOW_RATE) * 3600 * 9.77
    assert energy_wh(home) == pytest.approx(home.machine.electric_wh, rel=0.05)
    assert gas_wh == pytest.approx(home.machine.gas_wh, rel=0.05)
    home.check(allowed={"R-141"})


def test_the_version_decides_how_the_demand_is_told() -> None:
    old, new = (Home("hybrid", profile=profile).select().wait(hours=4) for profile in WireProfile)

    assert {each.present_demand_rate is None for each in old.heard(DDBCSystemDescription)} == {False}
    assert len(old.heard(DDBCSystemDescription)) > 1
    assert {each.present_demand_rate is None for each in new.heard(DDBCSystemDescription)} == {True}
    assert len(new.heard(DDBCPresentDemandStatus)) == len(old.heard(DDBCSystemDescription))
    old.check()
    new.check()


def test_the_constraints_stay_the_same_over_a_day() -> None:
    home = Home("roof").select().wait(hours=24)

    assert len(home.heard(PEBCPowerConstraints)) == 1
    assert home.heard_types().count("PowerForecast") == pytest.approx(97, abs=2)
    home.check()
