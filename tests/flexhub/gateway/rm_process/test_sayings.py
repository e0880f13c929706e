"""What the hosted RM says: sent, shown, measured, or refused."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest

from flexhub.bus import Envelope
from flexhub.bus.memory import MemoryWorkerBus
from flexhub.bus.memory_store import MemoryStore
from flexhub.gateway.process import GatewayProcess
from s2.messages import ControlType, FRBCActuatorStatus, RevokableObjects, RevokeObject
from tests.support.clock import FixedClock
from tests.support.gateway_inside import details
from tests.support.remote_cem import FRBC, ControlledLink, battery_messages, remote_cem
from tests.support.resources import measurement
from tests.support.rm_process import WHO, SlowBus, close, eventually, text, until_closed

NOBODYS = FRBCActuatorStatus(
    message_id="s-1", actuator_id="nobody", active_operation_mode_id="idle", operation_mode_factor=0.0
)


async def test_what_the_rm_says_is_sent_shown_and_measured(
    link: ControlledLink, worker: MemoryWorkerBus, clock: FixedClock
) -> None:
    sent = link.task.say(measurement(2_000.0, clock.now()))
    assert json.dumps(await link.socket.receive()) == json.dumps(json.loads(sent))

    await eventually(lambda: worker.conversation(link.task.end_id)[0].text == sent)
    (row,) = worker.take_telemetry().rows
    snapshot = worker.snapshots([link.task.end_id])[link.task.end_id]
    assert snapshot is not None
    assert (row.link_id, row.site_id, row.tenant_id) == (WHO.link_id, WHO.peer_site_id, WHO.tenant_id)
    assert (row.quantity, row.value) == ("ELECTRIC.POWER.L1", 2_000.0)
    assert snapshot.control_type == "FILL_RATE_BASED_CONTROL"
    assert {"FRBC.SystemDescription", "FRBC.StorageStatus", "PowerMeasurement", "ResourceManagerDetails"} < set(
        snapshot.messages
    )
    assert worker.take_ledger().rows == ()


async def test_a_house_link_is_measured_at_its_other_end(
    process: GatewayProcess, worker: MemoryWorkerBus, clock: FixedClock
) -> None:
    link = ControlledLink(process, worker, remote_cem(hosted=True), clock.now())
    await link.control()

    await link.hear(measurement(2_000.0, clock.now()))

    await eventually(lambda: "PowerMeasurement" in worker.conversation(link.task.end_id)[0].text)
    assert worker.take_telemetry().rows == ()
    await close(link.socket)


async def test_a_new_selection_and_a_revocation_take_the_offers_along(
    link: ControlledLink, worker: MemoryWorkerBus, clock: FixedClock
) -> None:
    def shown() -> set[str]:
        snapshot = worker.snapshots([link.task.end_id])[link.task.end_id]
        return set() if snapshot is None else set(snapshot.texts)

    description = battery_messages(clock.now())[0]
    await link.hear(description)
    await eventually(lambda: "FRBC.SystemDescription" in shown())
    await link.hear(
        RevokeObject(
            message_id=str(uuid4()),
            object_type=RevokableObjects.FRBC_SYSTEM_DESCRIPTION,
            object_id=json.loads(text(description))["message_id"],
        )
    )
    await eventually(lambda: "FRBC.SystemDescription" not in shown())
    await link.offer()
    await eventually(lambda: "FRBC.SystemDescription" in shown())

    await link.select(ControlType.NO_SELECTION)

    await eventually(lambda: not any(name.startswith("FRBC.") for name in shown()))


async def test_what_is_published_again_is_sent_once(link: ControlledLink, clock: FixedClock) -> None:
    told = measurement(2_000.0, clock.now())
    for message in (told, told, measurement(3_000.0, clock.now())):
        link.task.say(message)

    values = [(await link.socket.receive())["values"][0]["value"] for _ in range(2)]

    assert values == [2_000.0, 3_000.0]


async def test_what_belongs_to_a_control_type_that_is_over_is_dropped(
    link: ControlledLink, worker: MemoryWorkerBus, clock: FixedClock
) -> None:
    await link.select(ControlType.NO_SELECTION)

    late = link.task.say(battery_messages(clock.now())[1])
    link.task.say(measurement(1.0, clock.now()))

    assert (await link.socket.receive())["message_type"] == "PowerMeasurement"
    await eventually(lambda: any(entry.text == late for entry in worker.conversation(link.task.end_id)))
    entry = next(entry for entry in worker.conversation(link.task.end_id) if entry.text == late)
    assert (entry.status, bool(entry.findings)) == ("REFUSED", True)


@pytest.mark.parametrize("broken", ["not even JSON", NOBODYS])
async def test_any_other_message_that_is_refused_ends_the_session(
    link: ControlledLink, worker: MemoryWorkerBus, broken: object
) -> None:
    payload = broken if isinstance(broken, str) else text(broken)

    worker.publish(link.task.end_id, Envelope(link.task.end_id, "message", payload, "s-1"))

    request = await link.socket.receive()
    assert (request["message_type"], request["request"]) == ("SessionRequest", "RECONNECT")
    # Said again while the session ends, it changes nothing.
    worker.publish(link.task.end_id, Envelope(link.task.end_id, "message", payload, "s-1"))
    link.socket.acknowledge(request)
    assert (await until_closed(link.socket))["code"] == 1000
    await eventually(lambda: any(entry.text == payload for entry in worker.conversation(link.task.end_id)))


async def test_what_is_meant_for_an_older_session_reaches_nobody(
    process: GatewayProcess,
    link: ControlledLink,
    worker: MemoryWorkerBus,
    clock: FixedClock,
    store: MemoryStore,
    bus: SlowBus,
) -> None:
    older = link.task.token
    await close(link.socket)
    again = ControlledLink(process, worker, WHO, clock.now())
    await again.open()
    envelope = Envelope(link.task.end_id, "message", text(measurement(1.0, clock.now())), "m-1", older)

    store.offer(bus.process, envelope)
    await again.hear(details(FRBC))

    assert again.socket.idle
    await close(again.socket)
