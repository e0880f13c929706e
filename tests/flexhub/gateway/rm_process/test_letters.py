"""What the energy manager says becomes mail for the hosted RM, or nothing."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest

from flexhub.bus import Batch, Wake
from flexhub.bus.memory import MemoryWorkerBus
from flexhub.bus.ports import MAIL_LENGTH
from flexhub.gateway import limits
from flexhub.gateway.process import GatewayProcess
from s2.messages import EnergyManagementRole, HandshakeResponse, InstructionStatus
from s2.session import Session
from s2.versions import WireProfile
from tests.support.clock import FixedClock
from tests.support.gateway_inside import TIMEOUT_S, FakeSocket, details
from tests.support.remote_cem import FRBC, ControlledLink, instruction, revocation, status_update
from tests.support.resources import measurement
from tests.support.rm_process import WHO, SlowBus, close, eventually, text, until_closed


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


async def post(bus: SlowBus, link: ControlledLink, letters: int, clock: FixedClock) -> None:
    """So many are in the RM's mailbox already."""
    batch, token = Batch(), link.task.token
    assert token is not None
    for _ in range(letters):
        batch.post(link.task.end_id, token, "instruction", clock.now(), "{}")
    await bus.write(batch)


async def test_a_full_mailbox_asks_for_patience_until_there_is_room(
    link: ControlledLink, bus: SlowBus, clock: FixedClock
) -> None:
    await post(bus, link, MAIL_LENGTH - 1, clock)
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
    await post(bus, link, MAIL_LENGTH, clock)

    link.socket.send(HandshakeResponse(message_id=str(uuid4()), selected_protocol_version="1.0.0"))

    assert (await until_closed(link.socket))["code"] == limits.CLOSE_TRY_AGAIN_LATER
    await close(link.socket)
