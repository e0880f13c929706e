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
    FRBCSystemDescription,
    InstructionStatus,
    Message,
    OMBCStatus,
    OMBCSystemDescription,
    OMBCTimerStatus,
    PEBCPowerConstraints,
    PPBCPowerProfileDefinition,
    dump_message,
)
from s2.versions import WireProfile
from tests.rm_adapters.hosted_home import MENUS, Home, energy_wh
from tests.rm_adapters.instructing import heat, supply

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
