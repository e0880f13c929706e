"""A process that speaks for a hosted RM, without sockets: mail, what the RM says, outages, and the end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any
from uuid import uuid4

import pytest

from flexhub.bus import Batch, BatchResult, Envelope, Wake
from flexhub.bus.memory import MemoryWorkerBus
from flexhub.bus.memory_store import MemoryStore
from flexhub.bus.ports import MAIL_LENGTH
from flexhub.gateway import keeper, limits, writer
from flexhub.gateway.process import GatewayProcess
from flexhub.gateway.wake_sender import WakeSender
from s2.messages import (
    ControlType,
    EnergyManagementRole,
    FRBCActuatorStatus,
    HandshakeResponse,
    InstructionStatus,
    RevokableObjects,
    RevokeObject,
    SelectControlType,
    dump_message,
)
from s2.session import Session
from s2.versions import WireProfile
from tests.support.clock import FixedClock
from tests.support.gateway_inside import (
    TIMEOUT_S,
    Document,
    FakeSocket,
    SwitchableBus,
    details,
    make_process,
)
from tests.support.remote_cem import (
    FRBC,
    ControlledLink,
    battery_messages,
    instruction,
    remote_cem,
    revocation,
    status_update,
)
from tests.support.resources import measurement

WHO = remote_cem(messages_per_s=100_000, burst=100_000)
NOBODYS = FRBCActuatorStatus(
    message_id="s-1", actuator_id="nobody", active_operation_mode_id="idle", operation_mode_factor=0.0
)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FLUSH_PAUSE_S", "REDIS_RETRY_S", "REDIS_RETRY_MAX_S"):
        monkeypatch.setattr(writer, name, 0.001)
    monkeypatch.setattr(keeper, "LEASE_RENEWAL_S", 0.01)
    monkeypatch.setattr(limits, "TICK_S", 0.001)
    monkeypatch.setattr(limits, "REDIS_RETRY_S", 0.001)
    monkeypatch.setattr(limits, "GOODBYE_S", 1.0)
    monkeypatch.setattr(limits, "DRAIN_PAUSE_S", 0.001)


class SlowBus(SwitchableBus):
    """Its writes wait for the test; `breaks`: the next one takes effect, and its answer gets lost."""

    breaks = False

    def __init__(self, store: MemoryStore) -> None:
        super().__init__(store)
        self.may_write = asyncio.Event()
        self.may_write.set()

    async def write(self, batch: Batch) -> BatchResult:
        await self.may_write.wait()
        result = await super().write(batch)
        if self.breaks:
            self.breaks, self.down = False, True
            self._reach()
        return result


@pytest.fixture
def bus(store: MemoryStore) -> SlowBus:
    return SlowBus(store)


@pytest.fixture
def woken() -> list[Wake]:
    return []


@pytest.fixture
async def process(bus: SlowBus, clock: FixedClock, woken: list[Wake]) -> AsyncIterator[GatewayProcess]:
    process = make_process(bus, clock, WakeSender(woken.append))
    yield process
    bus.down = False
    bus.may_write.set()
    await process.stop()


@pytest.fixture
async def link(process: GatewayProcess, worker: MemoryWorkerBus, clock: FixedClock) -> AsyncIterator[ControlledLink]:
    """Under control, with an empty mailbox."""
    link = ControlledLink(process, worker, WHO, clock.now())
    await link.control()
    link.task.drop_all()
    yield link
    await close(link.socket)


async def close(socket: FakeSocket) -> None:
    socket.hang_up()
    await asyncio.wait_for(socket.served, TIMEOUT_S)


async def eventually(look: Callable[[], object]) -> None:
    async with asyncio.timeout(TIMEOUT_S):
        while not look():  # noqa: ASYNC110  # What is looked at tells nobody when it changes.
            await asyncio.sleep(0.001)


async def until_closed(socket: FakeSocket) -> Document:
    while (event := await socket.event())["type"] != "websocket.close":
        assert event["type"] == "websocket.send", event
    return dict(event)


def text(message: object) -> str:
    return dump_message(message, WireProfile.V1_0_0)  # type: ignore[arg-type]  # Any message.


# -- What the energy manager says ----------------------------------------------------------------------------------


async def test_what_the_rm_has_to_know_is_in_its_mail_before_it_is_acknowledged(
    process: GatewayProcess, worker: MemoryWorkerBus, clock: FixedClock, woken: list[Wake]
) -> None:
    link = ControlledLink(process, worker, WHO, clock.now())

    await link.open()
    assert link.task.heard() == [("opened", "1.0.0")]
    await link.hear(details(FRBC))
    await link.select()
    assert link.task.heard()[1:] == [("selected", "FILL_RATE_BASED_CONTROL")]
    await link.offer()
    ours = instruction(clock.now())
    clock.advance(1)
    assert (await link.socket.ask(ours))["status"] == "OK"
    taken_back = revocation(ours)
    assert (await link.socket.ask(taken_back))["status"] == "OK"
    assert (await link.socket.ask(taken_back))["status"] == "OK"

    letters = link.task.letters()
    assert link.task.heard()[2:] == [("instruction", text(ours)), ("revoked", text(taken_back))]
    assert {letter.token for letter in letters} == {link.task.token}
    assert letters[2].at == clock.now()
    assert Wake(WHO.tenant_id, None, WHO.peer_node_id) in woken
    assert all(wake.site_id is None for wake in woken)
    await close(link.socket)


async def test_a_session_whose_version_is_agreed_beforehand_is_told_of_at_once(
    process: GatewayProcess, worker: MemoryWorkerBus, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = Session(EnergyManagementRole.RM, new_id=lambda: str(uuid4()), agreed=WireProfile.V1_0_0)
    monkeypatch.setattr(process._sessions, "make", lambda _: session)

    link = ControlledLink(process, worker, WHO, clock.now())
    assert (await link.socket.event())["type"] == "websocket.accept"
    await eventually(lambda: link.task.heard() == [("opened", "1.0.0")])
    assert worker.mail(link.task.end_id).profile == "1.0.0"

    await link.hear(details(FRBC))
    await close(link.socket)


async def test_what_has_no_effect_is_no_letter(
    link: ControlledLink, clock: FixedClock, worker: MemoryWorkerBus
) -> None:
    ended = instruction(clock.now())

    assert (await link.socket.ask(instruction(clock.now(), "melt")))["status"] == "INVALID_CONTENT"
    assert (await link.socket.ask(measurement(1.0, clock.now())))["status"] == "INVALID_CONTENT"
    assert link.task.heard() == []

    assert (await link.socket.ask(ended))["status"] == "OK"
    await link.hear(status_update(ended, InstructionStatus.SUCCEEDED, clock.now()))
    assert (await link.socket.ask(revocation(ended)))["status"] in {"OK", "INVALID_CONTENT"}
    assert link.task.heard() == [("instruction", text(ended))]
    await eventually(lambda: any(entry.findings for entry in worker.conversation(link.task.end_id)))


async def test_nothing_leaves_while_a_letter_is_on_its_way(
    link: ControlledLink, bus: SlowBus, clock: FixedClock
) -> None:
    bus.may_write.clear()
    link.socket.send(instruction(clock.now()))
    link.task.say(measurement(2_000.0, clock.now()))
    await asyncio.sleep(0.05)
    assert link.socket.idle
    assert link.task.heard() == []

    bus.may_write.set()

    assert (await link.socket.receive())["status"] == "OK"
    assert (await link.socket.receive())["message_type"] == "PowerMeasurement"
    assert [kind for kind, _ in link.task.heard()] == ["instruction"]


@pytest.mark.parametrize("half_way", [False, True])
async def test_what_redis_does_not_take_is_not_acknowledged(
    link: ControlledLink,
    worker: MemoryWorkerBus,
    bus: SlowBus,
    clock: FixedClock,
    process: GatewayProcess,
    half_way: bool,
) -> None:
    bus.breaks, bus.down = half_way, not half_way
    lost = instruction(clock.now())
    link.socket.send(lost)

    closed = await until_closed(link.socket)
    link.socket.hang_up()
    bus.down = False
    await eventually(lambda: not process.seats)
    await eventually(lambda: link.task.token is None)

    assert closed["code"] == limits.CLOSE_TRY_AGAIN_LATER
    assert len(link.task.heard()) == (1 if half_way else 0)
    await eventually(lambda: any(entry.text == text(lost) for entry in worker.conversation(link.task.end_id)))
    entry = next(entry for entry in worker.conversation(link.task.end_id) if entry.text == text(lost))
    assert (entry.status, [finding["rule"] for finding in entry.findings]) == (None, ["gateway"])


async def test_a_socket_that_was_taken_over_waits_for_no_letter(
    link: ControlledLink, bus: SlowBus, clock: FixedClock, process: GatewayProcess
) -> None:
    bus.may_write.clear()
    link.socket.send(instruction(clock.now()))
    await asyncio.sleep(0.01)

    newer = FakeSocket(process, WHO)
    assert (await until_closed(link.socket))["code"] == limits.CLOSE_REPLACED
    bus.may_write.set()
    await newer.shake_hands_as_cem()

    assert link.task.heard()[-1:] == [("opened", "1.0.0")]
    await close(newer)


async def test_a_full_mailbox_asks_for_patience_until_there_is_room(link: ControlledLink, clock: FixedClock) -> None:
    for _ in range(MAIL_LENGTH):
        assert (await link.socket.ask(instruction(clock.now())))["status"] == "OK"

    too_much = instruction(clock.now())
    assert (await link.socket.ask(too_much))["status"] == "TEMPORARY_ERROR"
    assert (await link.socket.ask(too_much))["status"] == "TEMPORARY_ERROR"
    assert len(link.task.letters()) == MAIL_LENGTH
    link.task.drop_all()

    async with asyncio.timeout(TIMEOUT_S):
        while (await link.socket.ask(too_much))["status"] != "OK":
            pass
    assert link.task.heard() == [("instruction", text(too_much))]


async def test_a_session_that_finds_its_mailbox_full_is_put_off(
    process: GatewayProcess, bus: SlowBus, worker: MemoryWorkerBus, clock: FixedClock
) -> None:
    link = ControlledLink(process, worker, WHO, clock.now())
    await link.socket.shake_hands("CEM")
    batch, token = Batch(), link.task.token
    assert token is not None
    for _ in range(MAIL_LENGTH):
        batch.post(link.task.end_id, token, "instruction", clock.now(), "{}")
    await bus.write(batch)

    link.socket.send(HandshakeResponse(message_id=str(uuid4()), selected_protocol_version="1.0.0"))

    assert (await until_closed(link.socket))["code"] == limits.CLOSE_TRY_AGAIN_LATER
    await close(link.socket)


# -- What the hosted RM says ---------------------------------------------------------------------------------------


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


# -- Endings ---------------------------------------------------------------------------------------------------------


async def test_the_node_is_woken_once_the_seat_of_a_socket_that_is_gone_is_free(
    link: ControlledLink, bus: SlowBus, worker: MemoryWorkerBus, woken: list[Wake]
) -> None:
    bus.down = True
    await close(link.socket)
    woken.clear()
    worker.begin_wake(WHO.peer_node_id)
    assert link.task.token is not None

    bus.down = False

    await eventually(lambda: woken == [Wake(WHO.tenant_id, None, WHO.peer_node_id)])
    assert link.task.token is None


async def test_a_session_whose_seat_redis_forgot_begins_anew(
    link: ControlledLink, store: MemoryStore, bus: SlowBus
) -> None:
    store.restart_empty()

    request = await link.socket.receive()
    link.socket.acknowledge(request)

    assert (request["message_type"], request["request"]) == ("SessionRequest", "RECONNECT")
    assert (await until_closed(link.socket))["code"] == 1000
    assert link.task.token is None


async def test_a_session_whose_seat_redis_forgot_acknowledges_nothing_more(
    link: ControlledLink, store: MemoryStore, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "LEASE_RENEWAL_S", 60)
    await asyncio.sleep(0.02)
    store.restart_empty()

    link.socket.send(instruction(clock.now()))

    statuses = []
    while (event := await link.socket.event())["type"] != "websocket.close":
        statuses.append(json.loads(event["text"]).get("status"))
    assert "OK" not in statuses
    assert link.task.heard() == []


async def test_a_peer_that_acknowledges_nothing_is_asked_to_reconnect(link: ControlledLink, clock: FixedClock) -> None:
    """More than a session may have on its way: the device cannot go on, since one of its messages is lost."""
    for _ in range(300):
        link.task.say(measurement(2_000.0, clock.now()))

    heard = [await link.socket.receive() for _ in range(257)]

    assert [each["message_type"] for each in heard[:-1]] == ["PowerMeasurement"] * 256
    assert (heard[-1]["message_type"], heard[-1]["request"]) == ("SessionRequest", "RECONNECT")


async def test_a_process_that_stops_says_goodbye(process: GatewayProcess, link: ControlledLink) -> None:
    stopping = asyncio.create_task(process.stop())

    request = await link.socket.receive()
    link.socket.acknowledge(request)

    assert request["request"] == "RECONNECT"
    assert (await until_closed(link.socket))["code"] == 1000
    link.socket.hang_up()
    await asyncio.wait_for(stopping, TIMEOUT_S)


async def test_an_energy_manager_that_selects_again_is_heard_again(link: ControlledLink) -> None:
    await link.select(ControlType.NO_SELECTION)
    selection = SelectControlType(message_id=str(uuid4()), control_type=FRBC)
    assert (await link.socket.ask(selection))["status"] == "OK"

    assert link.task.heard() == [("selected", "NO_SELECTION"), ("selected", "FILL_RATE_BASED_CONTROL")]


async def test_what_the_rm_says_to_a_selection_outlives_its_late_answer(
    process: GatewayProcess,
    link: ControlledLink,
    worker: MemoryWorkerBus,
    clock: FixedClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The energy manager does not read for a while: it was selected, but the answer is still on its way."""
    (seat,) = process.seats.values()
    reads, send = asyncio.Event(), seat.send

    async def waits(event: Mapping[str, Any]) -> None:
        await reads.wait()
        await send(event)

    monkeypatch.setattr(seat, "send", waits)
    link.socket.send(SelectControlType(message_id=str(uuid4()), control_type=FRBC))
    await eventually(lambda: link.task.heard() == [("selected", FRBC.value)])

    description = battery_messages(clock.now())[0]
    link.task.say(description)
    await eventually(lambda: seat.text_of("FRBC.SystemDescription") == text(description))
    reads.set()
    assert (await link.socket.receive())["status"] == "OK"
    assert (await link.socket.receive())["message_type"] == "FRBC.SystemDescription"

    snapshot = worker.snapshots([link.task.end_id])[link.task.end_id]
    assert snapshot is not None
    assert {"control_type", "FRBC.SystemDescription"} <= set(snapshot.fields())
