"""When a hosted RM wants to be called, what it keeps, and what it does when it is called out of turn."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from rm_adapters.resource import HostedResource, Outcome
from rm_adapters.schedule import LONGEST_PAUSE, pause_after
from rm_adapters.sdk import Ack, AuthGone, Manifest, Snapshot, Stale, Transient
from rm_adapters.vendors.simulator.adapter import Simulator
from rm_adapters.vendors.simulator.cloud import Fault
from s2.messages import CommodityQuantity, InstructionStatus, PowerMeasurement, RevokableObjects
from tests.rm_adapters.hosted_home import CONTROL_TYPES, Home
from tests.rm_adapters.instructing import charge, heat, limit, order_for

MINUTE = timedelta(minutes=1)


def patient(home: Home, keep: timedelta) -> Home:
    """The home with a vendor whose devices go on for a while without a session."""
    write = home.manifest.write
    assert write is not None
    home.manifest = Manifest.model_copy(home.manifest, update={"write": write.model_copy(update={"keep": keep})})
    return home


def test_reads_rarely_until_something_hangs_on_it() -> None:
    home = Home("battery").select().wait(minutes=2)
    idle = home.read_at
    assert idle is not None

    home.crashes = 1
    home.instruct(charge(home, "charge", 1.0))

    assert home.read_at is not None
    assert home.read_at < idle


@pytest.mark.parametrize("kind", CONTROL_TYPES)
def test_an_hour_costs_one_reading_a_minute(kind: str) -> None:
    home = Home(kind).select()
    before = home.readings

    home.wait(hours=1)

    assert home.readings - before == pytest.approx(60, abs=2)


def test_failures_are_met_with_ever_longer_pauses() -> None:
    pauses = [pause_after(failures) for failures in range(1, 20)]

    assert pauses == sorted(pauses)
    assert pauses[0] == timedelta(seconds=5)
    assert pauses[-1] == LONGEST_PAUSE


def test_keeps_to_the_pause_that_the_vendor_asks_for() -> None:
    home = Home("battery").select()
    resource = home.resource()

    outcome = resource.failed(Transient("quota", retry_after=timedelta(hours=2)), home.now)

    assert outcome.read_at == home.now + timedelta(hours=2)


def test_a_cloud_that_is_down_takes_the_offer_away_when_its_last_word_is_too_old() -> None:
    home = Home("battery").select()

    home.order(*[Fault.OVERLOADED] * 7).wait(minutes=8)
    before = "RevokeObject" in home.heard_types()
    home.wait(minutes=20)

    assert not before
    assert home.heard_types().count("RevokeObject") == 1
    assert home.heard_types().count("FRBC.SystemDescription") == 2
    home.check()


def test_without_a_session_and_without_anything_to_undo_nobody_is_called() -> None:
    home = Home("battery").select()

    home.disconnect()

    assert (home.due_at, home.read_at) == (None, None)


def test_a_device_goes_on_for_as_long_as_its_maker_allows() -> None:
    home = patient(Home("roof"), 10 * MINUTE).select()
    home.instruct(limit(home, (60, 1000.0)))
    home.wait(minutes=2)

    home.disconnect()
    home.wait(minutes=9)
    during = home.machine.limit_w
    home.wait(minutes=2)

    assert (during, home.machine.limit_w) == (1000.0, None)


def test_the_next_session_may_take_over_in_the_meantime() -> None:
    home = patient(Home("roof"), 10 * MINUTE).select()
    home.instruct(limit(home, (60, 1000.0)))
    home.wait(minutes=2)
    home.disconnect()
    home.wait(minutes=1)

    home.connect()
    home.select()
    latter = home.instruct(limit(home, (60, 500.0)))
    home.wait(minutes=20)

    assert home.course(latter) == [InstructionStatus.ACCEPTED, InstructionStatus.STARTED]
    assert [setting["limit_w"] for _, _, setting in home.cloud.written] == [1000.0, 500.0]
    home.check()


def test_what_the_device_does_already_is_not_written_again() -> None:
    home = Home("heater").select()
    home.instruct(heat(home, "on"))
    home.wait(minutes=10)

    again = home.instruct(heat(home, "on"))

    assert home.course(again)[-1] is InstructionStatus.SUCCEEDED
    assert len(home.executed) == 1
    home.check(allowed={"R-114"})


def test_the_newest_word_on_a_time_counts() -> None:
    home = Home("heater").select()
    begin = home.now + 10 * MINUTE
    former = home.instruct(heat(home, "on", at=begin))
    later = home.instruct(heat(home, "off", at=begin + 10 * MINUTE))
    sooner = home.instruct(heat(home, "on", at=begin - 5 * MINUTE))

    home.wait(minutes=30)

    assert home.course(former) == [InstructionStatus.ACCEPTED, InstructionStatus.ABORTED]
    assert home.course(later) == [InstructionStatus.ACCEPTED, InstructionStatus.ABORTED]
    assert home.course(sooner)[-1] is InstructionStatus.SUCCEEDED
    home.check()


def test_a_chain_of_modes_may_be_ordered_ahead() -> None:
    home = Home("heater").select()

    on = home.instruct(heat(home, "on", at=home.now + 5 * MINUTE))
    boost = home.instruct(heat(home, "boost", at=home.now + 10 * MINUTE))
    home.wait(minutes=12)

    assert home.course(on)[-1] is InstructionStatus.SUCCEEDED
    assert home.course(boost)[-1] is InstructionStatus.SUCCEEDED
    assert home.machine.mode == "boost"
    home.check(allowed={"R-52"})


def test_a_stale_answer_is_no_news_and_no_alarm() -> None:
    home = Home("battery").select()
    resource = home.resource()

    outcome = resource.failed(Stale(home.now - 2 * MINUTE), home.now)

    assert outcome.messages == ()
    assert outcome.read_at == home.now + MINUTE


def test_a_reading_from_the_future_is_one_of_now() -> None:
    home = Home("battery").select().wait(minutes=5)
    snapshot = Snapshot(
        observed_at=home.now + 2 * MINUTE,
        powers={CommodityQuantity.ELECTRIC_POWER_L1: 0.0},
        fill_level=50.0,
        facts={"mode": "auto", "factor": 0.0, "since": None},
    )

    resource = home.resource()
    home.do(resource.read(snapshot, home.now), resource)

    assert home.heard(PowerMeasurement)[-1].measurement_timestamp == home.now
    home.check()


def test_a_roof_is_free_when_the_vendor_refuses_the_next_envelope() -> None:
    home = Home("roof").select()
    former = home.instruct(limit(home, (60, 1000.0)))
    home.wait(minutes=5)

    latter = home.order(Fault.REFUSED).instruct(limit(home, (60, 500.0)))
    home.wait(minutes=5)

    assert home.course(former)[-1] is InstructionStatus.ABORTED
    assert home.course(latter) == [InstructionStatus.ACCEPTED, InstructionStatus.ABORTED]
    assert home.machine.limit_w is None
    home.check()


def test_the_row_does_not_grow_with_the_writes() -> None:
    home = Home("battery").select()
    for factor in range(20):
        home.instruct(charge(home, "charge", factor / 20))
        home.wait(seconds=30)

    assert len(home.executed) == 20
    assert len(home.row["writes"]) == 1
    home.check()


def test_introduces_itself_while_its_device_is_out_of_reach() -> None:
    home = Home("battery")
    home.order(*[Fault.OFFLINE] * 100).wait(minutes=5)
    home.disconnect()
    before = len(home.heard_types())

    home.connect()
    home.select()
    silent = home.heard_types()[before:]
    home.cloud.faults.clear()
    home.wait(minutes=2)

    assert silent == ["ResourceManagerDetails"]
    assert "FRBC.SystemDescription" in home.heard_types()[before:]
    home.check()


@pytest.mark.parametrize("kind", CONTROL_TYPES)
def test_calls_out_of_turn_do_no_harm(kind: str) -> None:
    home = Home(kind).select()
    home.instruct(order_for(home))
    home.wait(minutes=1)
    before = home.row

    calls: list[Callable[[HostedResource], Outcome]] = [
        lambda resource: resource.acknowledged(Ack(), home.now),
        lambda resource: resource.acknowledged(Ack(taken=False), home.now),
        lambda resource: resource.due(home.now),
        lambda resource: resource.revoked(RevokableObjects.FRBC_INSTRUCTION, "unknown", home.now),
    ]
    for call in calls:
        resource = home.resource()
        home.do(call(resource), resource)

    assert home.row == before
    home.check(allowed={"R-141"})


def test_a_linked_account_is_used_again_from_the_next_session_on() -> None:
    home = Home("battery").select()
    home.order(Fault.UNAUTHORISED).wait(minutes=2)
    silent = home.read_at
    home.rm = None
    resource = home.resource()
    home.do(resource.closed(home.now), resource)

    home.connect()
    home.select()

    assert silent is None
    assert home.heard_types().count("FRBC.SystemDescription") == 2


def test_a_permission_that_is_gone_is_told_once() -> None:
    home = Home("battery").select()
    resource = home.resource()

    first = resource.failed(AuthGone(), home.now)
    second = resource.failed(AuthGone(), home.now)

    assert [each.message_type for each in first.messages] == ["RevokeObject", "SessionRequest"]
    assert second.messages == ()


def test_the_manifest_is_that_of_the_vendor() -> None:
    assert Simulator.manifest().id == "simulator"
