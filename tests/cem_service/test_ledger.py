from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from cem_service import ledger, services
from cem_service.models import Instruction, LedgerStatus
from flexhub.bus import LedgerRow
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
