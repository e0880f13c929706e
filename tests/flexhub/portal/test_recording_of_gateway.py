"""The log of a real gateway process, as a recording."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from flexhub.bus import Envelope
from flexhub.bus.worker_side import RedisWorkerBus
from flexhub.load.engine.crowd import Crowd, Plan
from flexhub.load.engine.mix import parse_mix
from flexhub.load.engine.targets import Target
from flexhub.portal.recording import recording
from s2.check import OK, main
from s2.messages import ControlType, EnergyManagementRole, FRBCInstruction, Message, SelectControlType, dump_message
from s2.versions import WireProfile
from tests.support.gateway import RunningGateway, running_gateway
from tests.support.load_hub import eventually
from tests.support.registry import Household, make_household


@pytest.fixture
def household(transactional_db: None) -> Household:
    return make_household()


@pytest.fixture
def gateway(service_environment: dict[str, str], household: Household) -> Iterator[RunningGateway]:
    with running_gateway(service_environment) as running:
        yield running
        running.stop()


@pytest.fixture
def bus(service_environment: dict[str, str]) -> Iterator[RedisWorkerBus]:
    bus = RedisWorkerBus(service_environment["REDIS_URL"])
    yield bus
    bus.close()


async def test_a_conversation_with_a_gateway_gives_no_findings(
    gateway: RunningGateway,
    bus: RedisWorkerBus,
    household: Household,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    link_id = household.link.pk

    def tell(message: Message) -> None:
        bus.publish(link_id, Envelope(link_id, "message", dump_message(message, WireProfile.V1_0_0)))

    def texts() -> str:
        return "".join(entry.text for entry in bus.conversation(link_id))

    turns = parse_mix("measurement=1,actuator-status=1,storage-status=1")
    plan = Plan(url=f"ws://127.0.0.1:{gateway.port}", turns=turns, rate=50, connect_rate=10, seconds=2)
    target = Target(EnergyManagementRole.RM, household.rm_node.pk, household.token)
    running = asyncio.create_task(Crowd(plan, [target]).run(asyncio.Event()))
    await eventually(lambda: "PowerMeasurement" in texts())
    tell(SelectControlType(message_id=str(uuid4()), control_type=ControlType.FILL_RATE_BASED_CONTROL))
    await eventually(lambda: "FRBC.StorageStatus" in texts())
    tell(
        FRBCInstruction(
            message_id=str(uuid4()),
            id=str(uuid4()),
            actuator_id="inverter",
            operation_mode="charge",
            operation_mode_factor=0.5,
            execution_time=datetime.now(UTC),
            abnormal_condition=False,
        )
    )
    await eventually(lambda: "SUCCEEDED" in texts())
    tally = await running

    lines = list(recording(bus.conversation(link_id)))
    file = tmp_path / "conversation.jsonl"
    file.write_text("".join(f"{line}\n" for line in lines))

    assert tally.clean
    capsys.readouterr()
    assert (main([str(file), "--json"]), capsys.readouterr().out) == (OK, "")
    frames = [json.loads(json.loads(line)["text"])["message_type"] for line in lines]
    assert {"Handshake", "SelectControlType", "FRBC.Instruction", "InstructionStatusUpdate"} <= set(frames)
