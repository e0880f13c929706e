"""Which instruction counts as the latest of a device: not what it never saw, nor what it said nothing to for long."""

from __future__ import annotations

import pytest

from cem_service import services
from cem_service.last_instructions import ANSWER_OVERDUE_S
from cem_service.models import Instruction, LedgerStatus
from tenants.scope import platform_scope
from tests.support.cem_world import World, instructions


def told_to_charge(world: World, **changes: object) -> None:
    """By prices so low that it is told so for as long as it does not."""
    world.pay(import_eur_per_kwh=-0.5, export_eur_per_kwh=-0.5)
    world.connect()
    world.describe()
    world.run(services.react_to_site, *world.ids)
    with platform_scope("test"):
        Instruction.objects.update(status_at=world.clock.now(), **changes)


def told_after(world: World, seconds: float) -> int:
    """How often it has been told by then."""
    world.clock.advance(seconds)
    world.run(services.react_to_site, *world.ids)
    return len(instructions())


def test_what_was_not_delivered_is_told_again_at_once(world: World) -> None:
    told_to_charge(world, status=LedgerStatus.UNDELIVERED)

    assert told_after(world, 1.0) == 2


@pytest.mark.parametrize(("answer", "told"), [({}, 2), ({"reception": "OK"}, 1), ({"status": "ACCEPTED"}, 1)])
def test_what_nobody_answers_is_lost_after_a_while(world: World, answer: dict[str, str], told: int) -> None:
    told_to_charge(world, **answer)

    assert told_after(world, ANSWER_OVERDUE_S - 1.0) == 1
    assert told_after(world, 2.0) == told


def test_a_device_that_takes_an_instruction_back_by_itself_is_left_alone(world: World) -> None:
    told_to_charge(world, status=LedgerStatus.REVOKED)

    assert told_after(world, 4 * 60.0) == 1
    assert told_after(world, 61.0) == 2
