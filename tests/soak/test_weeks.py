"""A few hours of what `make soak ARGS=weeks` does for three weeks, with as many kinds of faults."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.soak.weeks import START, config_of, live, rows, street
from tests.support.faults import Fault, Trouble, faults
from tests.support.virtual_home import VirtualHome

HOURS = timedelta(hours=4)


@pytest.mark.parametrize("number", [3, 9])
def test_a_home_keeps_its_comfort_and_its_calm_when_things_go_wrong(number: int) -> None:
    weeks = live(street()[number], HOURS)

    assert weeks.comfort_missed == 0
    assert weeks.sessions > 0
    # What is saved in a few hours says nothing: it may be lent from the evening.
    assert [row for row in rows([weeks]) if not row.ok and row.row != "weeks-cost"] == []


def test_nobody_swings_while_the_main_meter_speaks_late() -> None:
    """Its readings are older than several instructions; car, panels and battery followed each other once."""
    home = config_of(street()[6])
    late = Fault(Trouble.LATE, timedelta(), HOURS, device=0)

    turns = VirtualHome(home, START + timedelta(days=8, hours=6), [late]).run(HOURS).turns

    assert home.devices[0].kind == "METER"
    assert max(turns.values()) < 100


def test_every_kind_of_fault_happens_and_ends() -> None:
    found = faults(seed=1, devices=5, lasts=timedelta(days=21))

    assert {fault.trouble for fault in found} == set(Trouble)
    assert all(fault.begins < fault.ends for fault in found)
    assert all(fault.device in (*range(5), None) for fault in found)
