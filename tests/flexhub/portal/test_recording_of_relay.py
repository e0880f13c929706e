"""The log of a link whose two ends are both remote, as a recording."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from flexhub.bus.streams import Direction, LogEntry
from flexhub.bus.worker_side import RedisWorkerBus
from flexhub.devices.models import Link
from flexhub.devices.services import create_cem_node, link_nodes
from flexhub.load.engine.crowd import Crowd, Plan
from flexhub.load.engine.mix import parse_mix
from flexhub.load.engine.targets import Target
from flexhub.pairing.services import issue_node_token
from flexhub.portal.recording import recording
from s2.check import OK, main
from s2.messages import EnergyManagementRole
from tests.support.gateway import RunningGateway, running_gateway
from tests.support.load_hub import eventually
from tests.support.registry import Household, make_household

CEM, RM = EnergyManagementRole.CEM, EnergyManagementRole.RM
# The box stays until the battery has gone, which would be asked to come again otherwise.
LONG_S = 120.0


class Relayed:
    """A household whose device is paired with a box of its own."""

    def __init__(self, household: Household) -> None:
        box = create_cem_node(site=household.site, name="box")
        self.link: Link = link_nodes(rm_node=household.rm_node, cem_node=box)
        self.rm = Target(RM, household.rm_node.pk, household.token)
        self.cem = Target(CEM, box.pk, issue_node_token(box), peer=household.rm_node.pk)


@pytest.fixture
def relayed(transactional_db: None) -> Relayed:
    return Relayed(make_household())


@pytest.fixture
def gateway(service_environment: dict[str, str], relayed: Relayed) -> Iterator[RunningGateway]:
    with running_gateway(service_environment) as running:
        yield running
        running.stop()


@pytest.fixture
def bus(service_environment: dict[str, str]) -> Iterator[RedisWorkerBus]:
    bus = RedisWorkerBus(service_environment["REDIS_URL"])
    yield bus
    bus.close()


@dataclass
class Conversation:
    """What the link's log shows, and what the checker says to it."""

    bus: RedisWorkerBus
    link_id: UUID
    file: Path

    def texts(self) -> str:
        return "".join(entry.text for entry in self.bus.conversation(self.link_id))

    def lines(self, last: int | None = None) -> list[str]:
        snapshot = self.bus.snapshots([self.link_id])[self.link_id]
        return list(recording(self.bus.conversation(self.link_id)[:last], snapshot.fields() if snapshot else None, RM))

    def said(self) -> list[str]:
        return [json.loads(json.loads(line)["text"])["message_type"] for line in self.lines()]

    def is_right(self, last: int | None = None) -> bool:
        self.file.write_text("".join(f"{line}\n" for line in self.lines(last)))
        return main([str(self.file)]) == OK


@pytest.fixture
def conversation(bus: RedisWorkerBus, relayed: Relayed, tmp_path: Path) -> Conversation:
    return Conversation(bus, relayed.link.pk, tmp_path / "conversation.jsonl")


async def lives(gateway: RunningGateway, target: Target, seconds: float, over: asyncio.Event | None = None) -> bool:
    """Let a battery or its box speak for so long, or until it is over; whether nothing went wrong for it."""
    turns = parse_mix("measurement=1,actuator-status=1,storage-status=1")
    plan = Plan(url=f"ws://127.0.0.1:{gateway.port}", turns=turns, rate=50, connect_rate=10, seconds=seconds)
    return (await Crowd(plan, [target]).run(over or asyncio.Event())).clean


async def test_a_relayed_conversation_gives_no_findings(
    gateway: RunningGateway, relayed: Relayed, conversation: Conversation
) -> None:
    over = asyncio.Event()
    rm = asyncio.create_task(lives(gateway, relayed.rm, 4))
    cem = asyncio.create_task(lives(gateway, relayed.cem, LONG_S, over))
    await eventually(lambda: conversation.texts().count("FRBC.StorageStatus") > 20)
    # Where the log no longer reaches back to the beginning.
    assert conversation.is_right(last=40)
    assert await rm
    over.set()
    assert await cem

    assert conversation.said().count("Handshake") == 2
    assert conversation.is_right()
    told = {"ResourceManagerDetails", "SelectControlType", "FRBC.SystemDescription", "PowerMeasurement"}
    assert told <= set(conversation.said())


async def test_what_was_put_off_while_the_far_end_was_absent_is_no_finding(
    gateway: RunningGateway, relayed: Relayed, conversation: Conversation
) -> None:
    over = asyncio.Event()
    rm = asyncio.create_task(lives(gateway, relayed.rm, 8))
    await eventually(lambda: "TEMPORARY_ERROR" in conversation.texts())
    cem = asyncio.create_task(lives(gateway, relayed.cem, LONG_S, over))
    await rm
    over.set()
    await cem

    assert "TEMPORARY_ERROR" in "".join(conversation.lines())
    assert "FRBC.SystemDescription" in conversation.said()
    assert conversation.is_right()


def entry(direction: Direction, text: str) -> LogEntry:
    return LogEntry(direction, datetime(2026, 4, 21, 12, 0, tzinfo=UTC), text)


def handshake(role: str, message_id: str) -> str:
    return json.dumps({"message_type": "Handshake", "message_id": message_id, "role": role})


def ids(*entries: LogEntry) -> list[str]:
    documents = [json.loads(json.loads(line)["text"]) for line in recording(reversed(entries), peer=RM)]
    return [each["message_id"] for each in documents if each["message_type"] == "Handshake"]


def test_a_device_that_came_back_alone_begins_a_connection_of_its_own() -> None:
    first = [entry("received", handshake("RM", "rm-1")), entry("sent", handshake("CEM", "cem-1"))]
    request = '{"message_type":"SessionRequest","message_id":"bye-1","request":"RECONNECT"}'

    assert ids(*first) == ["rm-1", "cem-1"]
    assert ids(*first, entry("sent", request), entry("received", handshake("RM", "rm-2"))) == ["rm-2"]


def test_a_box_that_came_first_begins_the_connection() -> None:
    former = [entry("sent", handshake("CEM", "cem-1")), entry("received", handshake("RM", "rm-1"))]
    latter = [entry("sent", handshake("CEM", "cem-2")), entry("received", handshake("RM", "rm-2"))]

    assert ids(*former, *latter) == ["cem-2", "rm-2"]


def test_a_put_off_handshake_is_said_again_in_the_same_connection() -> None:
    busy = '{"message_type":"ReceptionStatus","subject_message_id":"rm-1","status":"TEMPORARY_ERROR"}'
    near = entry("received", handshake("RM", "rm-1"))

    assert ids(near, entry("sent", busy), near, entry("sent", handshake("CEM", "cem-1"))) == ["rm-1", "rm-1", "cem-1"]
