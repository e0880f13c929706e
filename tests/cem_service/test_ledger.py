from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from cem_service import ledger, services
from cem_service.models import Instruction, LedgerStatus
from flexhub.bus import Batch, LedgerRow
from tenants.scope import platform_scope
from tests.support.cem_world import World


@pytest.fixture
def instruction(world: World) -> Instruction:
    world.connect()
    world.describe()
    world.run(services.react_to_site, *world.ids)
    return _only()


def _only() -> Instruction:
    with platform_scope("test"):
        return Instruction.objects.get()


def _row(instruction: Instruction, at: datetime, **changes: object) -> LedgerRow:
    return LedgerRow(instruction.tenant_id, instruction.link_id, str(instruction.id), at, **changes)  # type: ignore[arg-type] # Only fields of a row.


def test_follows_what_the_device_reports(instruction: Instruction, world: World) -> None:
    now = world.clock.now()

    ledger.apply([_row(instruction, now, reception="OK"), _row(instruction, now, status="STARTED")])
    ledger.apply([_row(instruction, now + timedelta(seconds=5), status="SUCCEEDED")])

    row = _only()
    assert (row.reception, row.status, row.status_at) == ("OK", "SUCCEEDED", now + timedelta(seconds=5))


@pytest.mark.parametrize("late", ["ACCEPTED", "NEW", "REJECTED"])
def test_a_terminal_status_stays(instruction: Instruction, world: World, late: str) -> None:
    now = world.clock.now()
    ledger.apply([_row(instruction, now, status="SUCCEEDED")])

    ledger.apply([_row(instruction, now, status=late)])

    assert _only().status == "SUCCEEDED"


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ({"reception": "OK"}, LedgerStatus.ISSUED),
        ({"reception": "OK", "status": "STARTED"}, LedgerStatus.STARTED),
        ({"status": "REFUSED"}, LedgerStatus.REFUSED),
        ({"status": "UNDELIVERED"}, LedgerStatus.UNDELIVERED),
    ],
)
def test_who_answers_was_delivered_to(
    instruction: Instruction, world: World, answer: dict[str, str], status: LedgerStatus
) -> None:
    """The connection may break when what was published has arrived, and before we hear of that."""
    with platform_scope("test"):
        Instruction.objects.update(status=LedgerStatus.UNDELIVERED)

    ledger.apply([_row(instruction, world.clock.now(), **answer)])

    assert _only().status == status


def test_a_status_never_moves_backwards(instruction: Instruction, world: World) -> None:
    now = world.clock.now()

    ledger.apply([_row(instruction, now, status="STARTED"), _row(instruction, now, status="ACCEPTED")])

    assert _only().status == "STARTED"


def test_what_comes_twice_or_late_changes_nothing(instruction: Instruction, world: World) -> None:
    now = world.clock.now()
    finding = {"rule": "R-37", "text": "a status after the end"}
    waiting = _row(instruction, now, reception="TEMPORARY_ERROR")
    taken = _row(instruction, now, reception="OK", status="STARTED", findings=(finding,))

    ledger.apply([waiting, taken])
    ledger.apply([taken])
    ledger.apply([waiting])

    row = _only()
    assert (row.reception, row.status, row.findings) == ("OK", "STARTED", [finding])


def test_a_refusal_is_found_by_status_and_by_reception(instruction: Instruction, world: World) -> None:
    finding = {"rule": "R-51", "text": "no such mode"}

    ledger.apply([_row(instruction, world.clock.now(), reception="INVALID_CONTENT", findings=(finding,))])

    with platform_scope("test"):
        (row,) = Instruction.objects.refused()
    assert row.is_refused
    assert row.findings == [finding]


def test_rows_of_unknown_instructions_are_dropped(instruction: Instruction, world: World) -> None:
    now = world.clock.now()
    stray = LedgerRow(instruction.tenant_id, instruction.link_id, "not-a-uuid", now, status="SUCCEEDED")

    ledger.apply([stray, _row(instruction, now, status="ACCEPTED")])

    assert _only().status == LedgerStatus.ACCEPTED


def test_only_the_link_that_was_told_changes_an_instruction(instruction: Instruction, world: World) -> None:
    now, stranger = world.clock.now(), uuid4()

    ledger.apply([replace(_row(instruction, now, status="SUCCEEDED"), tenant_id=stranger, link_id=stranger)])
    ledger.apply([replace(_row(instruction, now, status="SUCCEEDED"), link_id=stranger)])

    assert _only().status == LedgerStatus.ISSUED


@pytest.mark.parametrize(
    ("newer_after_s", "changes", "status"),
    [
        (10, {}, LedgerStatus.REPLACED),
        # The device gave up by itself, and was told something else only then.
        (30, {}, LedgerStatus.ABORTED),
        # Another actuator was told something.
        (10, {"actuator_id": "another"}, LedgerStatus.ABORTED),
    ],
)
def test_what_a_newer_instruction_took_the_place_of_is_no_refusal(
    instruction: Instruction, world: World, newer_after_s: int, changes: dict[str, str], status: LedgerStatus
) -> None:
    with platform_scope("test"):
        newer = Instruction.objects.get()
        newer.pk, newer.message = uuid4(), newer.message | changes
        newer.issued_at = newer.status_at = instruction.issued_at + timedelta(seconds=newer_after_s)
        newer.save(force_insert=True)
    aborted = _row(instruction, instruction.issued_at + timedelta(seconds=20), reception="OK", status="ABORTED")

    ledger.apply([aborted])
    ledger.apply([aborted])

    with platform_scope("test"):
        row = Instruction.objects.get(pk=instruction.pk)
        refused = list(Instruction.objects.refused())
    assert row.status == status
    assert row.is_refused is (status == LedgerStatus.ABORTED)
    assert refused == ([row] if row.is_refused else [])


def test_a_row_that_cannot_be_stored_holds_up_no_others(instruction: Instruction, world: World) -> None:
    now, batch = world.clock.now(), Batch()
    batch.ledger(_row(instruction, now, reception="OK"))
    batch.ledger(_row(instruction, now, status="STARTED", findings=({"rule": "R-1", "message": "with\0NUL"},)))
    batch.ledger(_row(instruction, now, status="SUCCEEDED"))
    asyncio.run(world.gateway.write(batch))

    applied = ledger.drain(world.bus)

    row = _only()
    assert (applied, row.reception, row.status, row.findings) == (2, "OK", "SUCCEEDED", [])
    assert not world.bus.take_ledger()
    (entry,) = world.bus.poison().entries
    assert (entry.source, json.loads(entry.text)["status"]) == ("ledger", "STARTED")
    assert "DataError" in entry.reason
