"""What goes wrong between a hosted RM and its device, and what the CEM is told of it."""

from __future__ import annotations

import pytest

from rm_adapters.vendors.simulator.cloud import Fault
from s2.messages import InstructionStatus, PowerMeasurement, RevokeObject
from tests.rm_adapters.hosted_home import CONTROL_TYPES, MENUS, Home
from tests.rm_adapters.instructing import charge, limit, order_for

ACCEPTED, STARTED = InstructionStatus.ACCEPTED, InstructionStatus.STARTED
SUCCEEDED, ABORTED = InstructionStatus.SUCCEEDED, InstructionStatus.ABORTED


@pytest.mark.parametrize("kind", CONTROL_TYPES)
@pytest.mark.parametrize("fault", [Fault.LOST_ANSWER, Fault.TIMEOUT, Fault.OVERLOADED])
def test_an_answer_that_is_lost_is_found_by_reading_back(kind: str, fault: Fault) -> None:
    home = Home(kind).select()

    instruction_id = home.order(fault).instruct(order_for(home))
    home.wait(seconds=45)

    assert home.course(instruction_id)[:2] == [ACCEPTED, STARTED]
    assert len(home.executed) == 1
    home.check(allowed={"R-141"})


@pytest.mark.parametrize("kind", CONTROL_TYPES)
def test_what_cannot_be_read_in_time_is_given_back_once_it_can_be(kind: str) -> None:
    home = Home(kind).select()
    own = home.machine.readings()

    instruction_id = home.instruct(order_for(home))
    home.order(*[Fault.OVERLOADED] * 4).wait(minutes=10)

    assert home.course(instruction_id) == [ACCEPTED, ABORTED]
    for each in ("setting", "limit_w", *(["mode"] if kind == "battery" else [])):
        assert home.machine.readings().get(each) == own.get(each)
    assert home.row["original"] is None
    home.check(allowed={"R-132", "R-141"})  # What could not be read is told late.


@pytest.mark.parametrize("kind", CONTROL_TYPES)
def test_a_worker_that_dies_before_it_writes_is_found_by_reading_back(kind: str) -> None:
    home = Home(kind).select()
    home.crashes = 1

    instruction_id = home.instruct(order_for(home))
    home.wait(seconds=45)

    assert home.course(instruction_id)[:2] == [ACCEPTED, STARTED]
    assert len(home.executed) == 1
    home.check(allowed={"R-141"})


@pytest.mark.parametrize("kind", CONTROL_TYPES)
def test_what_the_vendor_refuses_is_aborted(kind: str) -> None:
    home = Home(kind).select()

    instruction_id = home.order(Fault.REFUSED).instruct(order_for(home))
    home.wait(minutes=5)

    assert home.course(instruction_id) == [ACCEPTED, ABORTED]
    assert home.reasons() == ["AVAILABILITY"]
    home.check(allowed={"R-141"})


@pytest.mark.parametrize("kind", CONTROL_TYPES)
def test_without_a_session_the_device_is_its_own_master(kind: str) -> None:
    home = Home(kind).select()
    own = home.machine.readings()
    home.instruct(order_for(home))
    home.wait(minutes=2)

    home.disconnect()
    home.wait(minutes=2)

    assert home.row["in_force"] == {}
    for each in ("setting", "limit_w", *(["mode"] if kind == "battery" else [])):
        assert home.machine.readings().get(each) == own.get(each)
    assert home.read_at is None
    home.check(allowed={"R-141"})


@pytest.mark.parametrize("kind", CONTROL_TYPES)
def test_the_next_session_begins_from_nothing(kind: str) -> None:
    home = Home(kind).select()
    home.instruct(order_for(home))
    home.wait(minutes=2)
    home.disconnect()
    home.wait(minutes=15)
    before = len(home.heard_types())

    home.connect()
    home.select()

    types = [each for each in home.heard_types()[before:] if each not in ("PowerMeasurement", "PowerForecast")]
    menu = [each for each in MENUS[kind] if each != "PowerForecast"]
    assert types == ["ResourceManagerDetails", *menu]
    home.check(allowed={"R-141"})


@pytest.mark.parametrize("kind", CONTROL_TYPES)
def test_a_device_that_goes_offline_offers_nothing_until_it_is_back(kind: str) -> None:
    home = Home(kind).select()
    instruction_id = home.instruct(order_for(home))
    home.wait(seconds=30)
    running = home.course(instruction_id)[-1:] != [SUCCEEDED]

    home.order(Fault.OFFLINE).wait(minutes=3)

    if running:
        assert home.course(instruction_id)[-1] in (ABORTED, SUCCEEDED)
    assert len(home.heard(RevokeObject)) == 1
    assert home.heard_types().count(MENUS[kind][0]) == 2
    home.check(allowed={"R-141"})


@pytest.mark.parametrize("kind", CONTROL_TYPES)
def test_a_permission_that_is_gone_ends_the_session(kind: str) -> None:
    home = Home(kind).select()

    home.order(Fault.UNAUTHORISED).wait(minutes=3)

    assert home.cem.closed
    assert home.heard_types()[-2:] == ["RevokeObject", "SessionRequest"]
    assert home.read_at is None
    home.check()


def test_an_old_reading_is_no_measurement() -> None:
    home = Home("battery").select()
    home.instruct(charge(home, "charge", 1.0))
    home.wait(minutes=5)
    before = len(home.heard(PowerMeasurement))

    home.order(*[Fault.OLD_READING] * 7).wait(minutes=7)

    assert len(home.heard(PowerMeasurement)) <= before + 1
    home.check()


def test_nobody_fights_for_a_device_that_somebody_else_has_changed() -> None:
    home = Home("roof").select()
    instruction_id = home.instruct(limit(home, (60, 1000.0)))
    home.wait(minutes=5)

    home.cloud.change("roof", limit_w=4000.0)
    home.wait(minutes=5)

    assert home.course(instruction_id) == [ACCEPTED, STARTED, ABORTED]
    assert home.machine.limit_w == 4000.0
    assert len(home.executed) == 1
    home.check()
