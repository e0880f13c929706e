"""What becomes of a log: sessions speak, their log is written as the gateway writes it, and the checker listens."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flexhub.bus import Batch, SeatInfo
from flexhub.bus.memory import MemoryGatewayBus, MemoryWorkerBus
from flexhub.bus.memory_store import MemoryStore
from flexhub.bus.streams import LOG_TEXT_LIMIT, LogEntry
from flexhub.gateway.handlers import Turn, handle, sent
from flexhub.gateway.seats import Seat
from flexhub.load.engine.mix import Kind
from flexhub.load.engine.players import BatteryRM
from flexhub.portal.recording import recording
from s2.check import discoveries
from s2.messages import (
    ControlType,
    EnergyManagementRole,
    FRBCInstruction,
    Message,
    RevokableObjects,
    RevokeObject,
    SelectControlType,
)
from s2.recording import read_frame
from s2.session import Session
from tests.support.gateway_inside import identity
from tests.support.s2_samples import sample

START = datetime(2026, 4, 21, 12, 0, tzinfo=UTC)
TIMES = {"ack_timeout": timedelta(seconds=10), "handshake_timeout": timedelta(seconds=30)}


class Hub:
    """A seat whose device is a battery, and the bus that its turns are written to."""

    def __init__(self) -> None:
        store = MemoryStore()
        self._gateway, self.worker = MemoryGatewayBus(store), MemoryWorkerBus(store)
        self._numbers = iter(range(1_000_000))
        self.who = identity()
        self.now = START
        asyncio.run(self._gateway.register("gateway-1"))
        self.connect()

    def new_id(self) -> str:
        return f"id-{next(self._numbers)}"

    def connect(self) -> None:
        """A new connection, up to the details."""
        who = self.who
        info = SeatInfo(who.link_id, who.tenant_id, who.site_id, who.node_id, who.device_name, self.now)
        token = asyncio.run(self._gateway.claim_seat(info))
        self.session = Session(EnergyManagementRole.CEM, new_id=self.new_id)
        self.seat = Seat(info, token, self.session, _nowhere, measures_site=True)
        self.device = BatteryRM(self.new_id, **TIMES)
        self.session.start(self.now)
        self.device.handle(self.device.session.start(self.now), self.now)
        self.exchange()

    def exchange(self, *, heard: bool = True) -> list[str]:
        """Until both have said what they had to say; a device that has not `heard` leaves our messages unread.

        Returns what we said first.
        """
        first = ours = self._flush([], None)
        while True:
            for text in ours if heard else []:
                self.device.handle(self.device.session.receive_text(text, self.now), self.now)
            theirs = self.device.session.data_to_send()
            for text in theirs:
                self._flush(self.session.receive_text(text, self.now), text)
            ours = self._flush([], None)
            if not theirs and not ours:
                return first

    def hear(self, text: str) -> None:
        self._flush(self.session.receive_text(text, self.now), text)

    def tell(self, message: Message) -> None:
        self.session.send(message, self.now)
        self.exchange()

    def select(self) -> None:
        frbc = ControlType.FILL_RATE_BASED_CONTROL
        self.tell(SelectControlType(message_id=self.new_id(), control_type=frbc))

    def instruct(self, in_s: float = 0.0) -> FRBCInstruction:
        instruction = FRBCInstruction(
            message_id=self.new_id(),
            id=self.new_id(),
            actuator_id="inverter",
            operation_mode="charge",
            operation_mode_factor=0.5,
            execution_time=self.now + timedelta(seconds=in_s),
            abnormal_condition=False,
        )
        self.tell(instruction)
        return instruction

    def report(self, times: int = 1) -> None:
        for _ in range(times):
            for kind in Kind:
                self.now += timedelta(seconds=1)
                self.device.report(kind, self.now)
                self.exchange()

    def later(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self._flush(self.session.tick(self.now), None)

    def _flush(self, events: Iterable[Any], text: str | None) -> list[str]:
        """As GatewayProcess.finish does it."""
        batch = Batch()
        turn = Turn(self.seat, batch, self.now, text)
        told = self.session.data_to_send()
        handle(turn, events)
        sent(turn, told)
        if batch.links:
            asyncio.run(self._gateway.write(batch))
        # An acknowledgement is no news that could be answered, but the device waits for it.
        for answer in told if text is not None else []:
            self.device.handle(self.device.session.receive_text(answer, self.now), self.now)
        return told if text is None else []

    # -- What comes of it ----------------------------------------------------------------------------------------------

    @property
    def entries(self) -> list[LogEntry]:
        return self.worker.conversation(self.who.link_id)

    def lines(self, last: int | None = None) -> list[str]:
        snapshot = self.worker.snapshots([self.who.link_id])[self.who.link_id]
        return list(recording(self.entries[:last], snapshot.fields() if snapshot else None))


async def _nowhere(_: Any) -> None:
    """A socket that takes everything."""


@pytest.fixture
def hub() -> Hub:
    return Hub()


def check(lines: list[str]) -> list[str]:
    """The rules that `python -m s2.check` finds broken."""
    frames = [(number, frame) for number, line in enumerate(lines, 1) if (frame := read_frame(line)) is not None]
    return [f"{each.observed.finding.rule} {each.as_text()}" for each in discoveries(frames)]


def types(lines: list[str]) -> list[str]:
    frames = [read_frame(line) for line in lines]
    return [f"{frame.sender.value} {json.loads(frame.text)['message_type']}" for frame in frames if frame]


def notes(lines: list[str]) -> str:
    return "\n".join(json.loads(line).get("note", "") for line in lines)


def test_a_whole_conversation_gives_no_findings(hub: Hub) -> None:
    hub.select()
    hub.report(5)
    hub.instruct()
    waiting = hub.instruct(in_s=600)
    hub.report(5)
    revocation = RevokableObjects.FRBC_INSTRUCTION
    hub.tell(RevokeObject(message_id=hub.new_id(), object_type=revocation, object_id=waiting.id))
    hub.report(5)

    lines = hub.lines()

    assert check(lines) == []
    assert types(lines)[0] == "CEM Handshake"
    # Every message has its answer, and every answer is marked as made up for.
    assert len(lines) == 2 * len(hub.entries)
    assert all("note" in json.loads(line) for line in lines if "ReceptionStatus" in line)


def test_only_the_latest_connection_is_in_it(hub: Hub) -> None:
    hub.select()
    hub.report(5)
    hub.connect()
    hub.select()
    hub.report(1)

    lines = hub.lines()

    assert check(lines) == []
    assert types(lines).count("CEM Handshake") == 1
    assert types(lines).count("RM FRBC.StorageStatus") == 2


@pytest.mark.parametrize("last", range(1, 40))
def test_a_log_without_its_beginning_gives_no_findings(last: int) -> None:
    hub = Hub()
    hub.select()
    hub.report(2)
    hub.instruct()
    hub.report(2)
    hub.instruct(in_s=600)
    hub.report(2)

    lines = hub.lines(last)

    assert check(lines) == []
    assert types(lines)[0] == "CEM Handshake"


def test_without_a_session_there_is_no_state_to_begin_with(hub: Hub) -> None:
    hub.select()
    hub.report(5)

    lines = list(recording(hub.entries[:3]))

    assert types(lines)[:1] == ["CEM Handshake"]
    assert "made up for" in json.loads(lines[0])["note"]


def test_a_finding_of_the_gateway_is_found_again(hub: Hub) -> None:
    hub.select()
    hub.hear(json.dumps(sample("FRBC.StorageStatus", message_id="wrong-1", present_fill_level=-5)))
    hub.hear("this is not JSON")
    hub.hear(json.dumps(sample("FRBC.ActuatorStatus", message_id="wrong-2", actuator_id="another")))
    logged = [finding["rule"] for entry in reversed(hub.entries) for finding in entry.findings]

    found = check(hub.lines())

    assert logged
    assert [each.split()[0] for each in found] == logged


def test_a_refusal_of_the_device_is_not_made_an_ok(hub: Hub) -> None:
    hub.select()
    hub.session.send(_instruction(hub), hub.now)
    (text,) = hub.exchange(heard=False)
    subject = json.loads(text)["message_id"]
    hub.hear(json.dumps(sample("ReceptionStatus", subject_message_id=subject, status="INVALID_CONTENT")))

    frames = [json.loads(json.loads(line)["text"]) for line in hub.lines()]

    answers = [each["status"] for each in frames if each.get("subject_message_id") == subject]
    assert answers == ["INVALID_CONTENT"]


def test_silence_of_the_device_is_found(hub: Hub) -> None:
    hub.select()
    hub.session.send(_instruction(hub), hub.now)
    hub.exchange(heard=False)
    hub.later(11)
    hub.report(1)

    found = check(hub.lines())

    assert [each.split()[0] for each in found] == ["R-01"]
    assert "the report that it was not answered" in notes(hub.lines())


def test_what_the_log_has_cut_is_taken_from_the_state(hub: Hub) -> None:
    hub.select()
    entries = [_cut(entry) if "FRBC.SystemDescription" in entry.text else entry for entry in hub.entries]
    snapshot = hub.worker.snapshots([hub.who.link_id])[hub.who.link_id]
    assert snapshot is not None

    assert check(list(recording(entries, snapshot.fields()))) == []

    without = list(recording(entries))
    assert "RM FRBC.SystemDescription" not in types(without)
    assert "left out before this: FRBC.SystemDescription, longer than the log keeps" in notes(without)


def test_what_was_not_sent_is_left_out(hub: Hub) -> None:
    hub.select()
    batch = Batch()
    Turn(hub.seat, batch, hub.now).log_sent(json.dumps(sample("FRBC.Instruction")), status="REFUSED")
    Turn(hub.seat, batch, hub.now).log_received("a frame that was not taken in", None, ())
    asyncio.run(hub._gateway.write(batch))
    hub.report(1)

    lines = hub.lines()

    assert check(lines) == []
    assert "CEM FRBC.Instruction" not in types(lines)
    assert "FRBC.Instruction, which was not sent; a frame that the WebSocket did not take" in notes(lines)


def test_a_cem_at_the_other_end_is_named_as_such(hub: Hub) -> None:
    entries = [LogEntry("sent", START, json.dumps(sample("Handshake", role="RM")))]

    (line, answer) = recording(entries, peer=EnergyManagementRole.CEM)

    assert json.loads(line)["from"] == "RM"
    assert json.loads(answer)["from"] == "CEM"


def test_an_empty_log_is_an_empty_file() -> None:
    assert list(recording([])) == []


def _instruction(hub: Hub) -> FRBCInstruction:
    return FRBCInstruction(
        message_id=hub.new_id(),
        id=hub.new_id(),
        actuator_id="inverter",
        operation_mode="charge",
        operation_mode_factor=0.5,
        execution_time=hub.now,
        abnormal_condition=False,
    )


def _cut(entry: LogEntry) -> LogEntry:
    """As if its message were longer than the log keeps: its end is not there."""
    head, _, _ = entry.text.partition('"actuators"')
    return LogEntry(entry.direction, entry.at, head.ljust(LOG_TEXT_LIMIT), entry.status, entry.findings)
