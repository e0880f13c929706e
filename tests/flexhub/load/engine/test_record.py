from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from flexhub.load.engine.crowd import Crowd, Plan
from flexhub.load.engine.mix import parse_mix
from flexhub.load.engine.record import HEARD_OUT, Acknowledged, Record, read_record
from s2.messages import FRBCStorageStatus
from tests.support.load_hub import LoadHub, eventually, load_hub, targets
from tests.support.resources import measurement

TURNS = parse_mix("measurement=8,actuator-status=1,storage-status=1")
PLAN = Plan(url="", turns=TURNS, rate=400, connect_rate=400, seconds=0.5)
AT = datetime(2026, 4, 21, 12, 0, 0, 123456, UTC)


def test_reads_what_was_written(tmp_path: Path) -> None:
    node, measured = uuid4(), measurement(1000.0, AT)
    record = Record(tmp_path / "record")

    record.add(node, measured)
    record.add(node, FRBCStorageStatus(message_id="s-1", present_fill_level=5))
    record.heard_out()
    record.close()

    assert list(read_record(tmp_path / "record")) == [
        Acknowledged(node, "PowerMeasurement", measured.message_id, AT),
        Acknowledged(node, "FRBC.StorageStatus", "s-1", None),
    ]


def test_two_processes_write_whole_lines_into_one_file(tmp_path: Path) -> None:
    records = [Record(tmp_path / "record"), Record(tmp_path / "record")]
    node = uuid4()

    for number in range(200):
        for record in records:
            record.add(node, FRBCStorageStatus(message_id=f"s-{number:060}", present_fill_level=5))
            record.flush()
    for record in records:
        record.close()

    assert len(list(read_record(tmp_path / "record"))) == 400


def test_is_for_its_owner_alone(tmp_path: Path) -> None:
    Record(tmp_path / "record").close()

    assert (tmp_path / "record").stat().st_mode & 0o777 == 0o600


def test_a_file_of_somebody_else_is_no_record(tmp_path: Path) -> None:
    (tmp_path / "record").write_text("hello\n")

    with pytest.raises(ValueError, match="unpack"):
        list(read_record(tmp_path / "record"))


async def test_a_run_records_what_was_acknowledged_and_nothing_else(tmp_path: Path) -> None:
    answered = 0

    def takes() -> bool:
        # The mix begins after what opens a session; some of it is put off, and acknowledged in the end.
        nonlocal answered
        answered += 1
        return answered % 7 != 0

    async with load_hub(LoadHub(takes=takes)) as hub:
        plan = replace(PLAN, url=hub.url, record=tmp_path / "record")
        tally = await Crowd(plan, targets(4)).run(asyncio.Event())

    recorded = list(read_record(tmp_path / "record"))
    assert len(recorded) == tally.acknowledged > 0
    assert len({each.message_id for each in recorded}) == len(recorded)
    assert Counter(each.message_type for each in recorded)["PowerMeasurement"] > 0
    assert (tmp_path / "record").read_text().endswith(f"{HEARD_OUT}\n")


async def test_sessions_stay_open_while_the_run_lingers(tmp_path: Path) -> None:
    async with load_hub() as hub:
        stop = asyncio.Event()
        record = tmp_path / "record"
        plan = replace(PLAN, url=hub.url, linger_s=60, record=record)
        running = asyncio.create_task(Crowd(plan, targets(4)).run(stop))
        await eventually(lambda: record.exists() and HEARD_OUT in record.read_text())

        assert len(hub.sessions) == 4
        stop.set()
        tally = await running

    assert tally.clean
