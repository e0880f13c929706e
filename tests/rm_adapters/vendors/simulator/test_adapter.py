from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rm_adapters.sdk import Adapter, AuthGone, Command, Offline, Preferences, Reason, Reject, Transient
from rm_adapters.sdk.manifest import Control
from rm_adapters.vendors.simulator.adapter import Simulator
from rm_adapters.vendors.simulator.cloud import Fault, SimulatedCloud
from s2.messages import CommodityQuantity, DDBCInstruction, OMBCInstruction, dump_message
from tests.rm_adapters.hosted_home import CONTROL_TYPES, devices

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
ADAPTER: Adapter[SimulatedCloud] = Simulator()


def cloud() -> SimulatedCloud:
    return SimulatedCloud.street(lambda: NOON)


def test_the_manifest_is_valid_and_covers_every_kind() -> None:
    manifest = Simulator.manifest()

    assert set(manifest.device_kinds) == set(CONTROL_TYPES)
    assert set(manifest.control_types) == set(Control)


@pytest.mark.parametrize("kind", CONTROL_TYPES)
def test_reads_and_describes_each_kind(kind: str) -> None:
    street = cloud()
    device = devices(street)[kind]

    snapshot = asyncio.run(ADAPTER.read(street, device))
    flex = ADAPTER.describe(device, snapshot, Preferences())

    assert snapshot.observed_at == NOON
    assert json.loads(json.dumps(dict(snapshot.facts))) == snapshot.facts
    assert flex.details.available_control_types == (CONTROL_TYPES[kind],)
    assert flex.offer_under(CONTROL_TYPES[kind]) is not None
    assert ADAPTER.describe(device, snapshot, Preferences()) == flex
    dump_message(flex.details, None)


@pytest.mark.parametrize("kind", CONTROL_TYPES)
def test_nothing_hangs_on_the_order_of_names(kind: str) -> None:
    """A database keeps no order of the names in an object."""
    street = cloud()
    device = devices(street)[kind]
    snapshot = asyncio.run(ADAPTER.read(street, device))

    turned = (
        replace(device, facts=in_another_order(device.facts)),
        replace(snapshot, facts=in_another_order(snapshot.facts)),
    )

    assert ADAPTER.describe(*turned, Preferences()) == ADAPTER.describe(device, snapshot, Preferences())


def in_another_order(value: Any) -> Any:
    match value:
        case dict():
            return {name: in_another_order(value[name]) for name in reversed(value)}
        case list():
            return [in_another_order(each) for each in value]
    return value


def test_production_is_negative() -> None:
    street = cloud()

    snapshot = asyncio.run(ADAPTER.read(street, devices(street)["roof"]))

    assert snapshot.powers == {CommodityQuantity.ELECTRIC_POWER_L1: -6000.0}


@pytest.mark.parametrize("kind", CONTROL_TYPES)
def test_an_instruction_of_another_kind_is_refused(kind: str) -> None:
    street = cloud()
    device = devices(street)[kind]
    snapshot = asyncio.run(ADAPTER.read(street, device))
    flex = ADAPTER.describe(device, snapshot, Preferences())
    common = {"message_id": "m1", "id": "i1", "execution_time": NOON, "abnormal_condition": False}
    mode = {"operation_mode_id": "none", "operation_mode_factor": 0.0}
    stranger = (
        DDBCInstruction(actuator_id="none", **common, **mode)  # type: ignore[arg-type]
        if kind != "hybrid"
        else OMBCInstruction(**common, **mode)  # type: ignore[arg-type]
    )

    answer = ADAPTER.plan(device, snapshot, flex, stranger)

    assert isinstance(answer, Reject)
    assert answer.reason is Reason.CONTRACT


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.OVERLOADED, Transient),
        (Fault.TIMEOUT, Transient),
        (Fault.LOST_ANSWER, Transient),
        (Fault.OFFLINE, Offline),
        (Fault.UNAUTHORISED, AuthGone),
    ],
)
def test_errors_of_the_vendor_become_ours(fault: Fault, error: type[Exception]) -> None:
    street = cloud()
    device = devices(street)["roof"]
    street.order([fault])

    with pytest.raises(error):
        asyncio.run(ADAPTER.execute(street, device, Command(operation="set", arguments={"limit_w": 100.0})))

    assert len(street.written) == (1 if fault is Fault.LOST_ANSWER else 0)


def test_a_refusal_is_an_answer() -> None:
    street = cloud()
    street.order([])
    device = devices(street)["roof"]
    street.order([Fault.REFUSED])

    ack = asyncio.run(ADAPTER.execute(street, device, Command(operation="set", arguments={"limit_w": 100.0})))

    assert (ack.taken, ack.text) == (False, "not now")


def test_an_old_reading_keeps_its_old_time() -> None:
    now = [NOON]
    street = SimulatedCloud.street(lambda: now[0])
    device = devices(street)["battery"]
    first = asyncio.run(ADAPTER.read(street, device))
    now[0] += timedelta(minutes=5)
    street.order([Fault.OLD_READING])

    assert asyncio.run(ADAPTER.read(street, device)) == first


def test_a_street_is_the_same_after_it_was_stored() -> None:
    street = cloud()
    street.set("battery", {"mode": "charge", "factor": 0.25})
    street.set("washer", {"part": "wash", "action": "start"})

    again = SimulatedCloud.load(json.loads(json.dumps(street.dump())), lambda: NOON + timedelta(hours=1))

    assert again.state("battery")["soc"] == pytest.approx(50.0 + 1250 * 0.95 / 100)
    assert again.state("washer")["parts"]["wash"] == {"state": "running", "done_s": 3600.0}
    assert [machine.at for machine in street.machines.values()] == [NOON] * 5


@pytest.mark.parametrize("kind", CONTROL_TYPES)
def test_a_device_that_nobody_has_touched_has_nothing_to_give_back(kind: str) -> None:
    street = cloud()
    snapshot = asyncio.run(ADAPTER.read(street, devices(street)[kind]))

    assert ADAPTER.release(devices(street)[kind], snapshot, snapshot) == []
