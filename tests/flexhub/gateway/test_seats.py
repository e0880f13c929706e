from __future__ import annotations

import asyncio
import json

from flexhub.bus import Batch
from flexhub.bus.ports import SNAPSHOT_FIELDS_LIMIT
from flexhub.gateway import limits
from flexhub.gateway.seats import Seat
from s2.messages import ControlType
from tests.support.gateway_inside import NOW, controlled_seat, details


def seat() -> Seat:
    return controlled_seat(ControlType.FILL_RATE_BASED_CONTROL, 7)


def test_has_room_for_as_many_fields_as_the_bus_keeps() -> None:
    full = seat()
    for number in range(SNAPSHOT_FIELDS_LIMIT):
        assert full.has_room("{}")
        full.fold(Batch(), f"FRBC.TimerStatus/actuator/timer-{number}", "{}")

    assert not full.has_room("{}")
    full.reset_control_type(Batch())
    assert full.has_room("{}")


def test_has_room_for_some_large_texts() -> None:
    large = " " * (1024 * 1024)
    full = seat()
    for number in range(limits.SNAPSHOT_CHARACTERS // len(large)):
        assert full.has_room(large)
        full.fold(Batch(), f"PEBC.PowerConstraints/{number}", large)

    assert not full.has_room(large)
    assert full.has_room("{}")


async def test_sends_nothing_before_what_was_heard_last_is_written() -> None:
    waits = seat()
    await waits.accept()
    first, second = asyncio.Event(), asyncio.Event()
    waits.unwritten = first
    flushing = asyncio.create_task(waits.flush())
    await asyncio.sleep(0)

    # While that waits, the peer says something more.
    waits.session.receive_text(json.dumps(details()), NOW)
    waits.unwritten = second
    first.set()
    done, _ = await asyncio.wait([flushing], timeout=0.05)
    assert not done

    second.set()
    assert "ReceptionStatus" in (await flushing)[-1]
