from __future__ import annotations

import asyncio
from uuid import uuid4

from cem_service import services
from cem_service.models import Instruction, LedgerStatus
from flexhub.bus import Batch, LedgerRow
from s2.messages import ControlType, FRBCInstruction, SelectControlType
from tenants.scope import platform_scope
from tests.support.cem_world import World, instructions


def test_selects_a_control_type_when_a_resource_has_described_itself(world: World) -> None:
    world.connect()

    world.run(services.react_to_site, *world.ids)

    (message,) = world.inbox()
    assert isinstance(message, SelectControlType)
    assert message.control_type is ControlType.FILL_RATE_BASED_CONTROL


def test_takes_control_with_a_first_instruction_and_says_why(world: World) -> None:
    world.connect()
    world.describe()

    world.run(services.react_to_site, *world.ids)

    (message,) = world.inbox()
    (row,) = instructions()
    assert isinstance(message, FRBCInstruction)
    assert str(row.id) == message.id
    assert row.status == LedgerStatus.ISSUED
    assert row.seat_token == world.token
    assert row.reason
    assert row.plan_run is not None
    assert row.plan_run.summary == row.reason


def test_decides_nothing_new_while_nothing_changes(world: World) -> None:
    world.connect()
    world.describe()
    world.run(services.react_to_site, *world.ids)

    world.clock.advance(1)
    world.run(services.react_to_site, *world.ids)

    assert len(instructions()) == 1


def test_an_instruction_to_an_earlier_session_does_not_count(world: World) -> None:
    world.connect()
    world.describe()
    world.run(services.react_to_site, *world.ids)

    world.clock.advance(1)
    world.connect()
    world.describe()
    world.run(services.react_to_site, *world.ids)

    tokens = [row.seat_token for row in instructions()]
    assert len(tokens) == 2
    assert tokens[0] < tokens[1]


def test_an_instruction_about_an_older_description_does_not_count(world: World) -> None:
    world.connect()
    world.describe()
    world.run(services.react_to_site, *world.ids)

    world.clock.advance(10)
    world.describe()
    world.run(services.react_to_site, *world.ids)

    assert [row.objective for row in instructions()] == ["take_control", "take_control"]


def test_a_refused_device_is_left_alone_for_a_while(world: World) -> None:
    world.connect()
    world.describe()
    world.run(services.react_to_site, *world.ids)
    with platform_scope("test"):
        Instruction.objects.update(status=LedgerStatus.REJECTED, status_at=world.clock.now())

    world.clock.advance(10)
    world.run(services.react_to_site, *world.ids)

    assert len(instructions()) == 1


def test_a_device_that_refused_twice_is_left_alone_twice_as_long(world: World) -> None:
    world.pay(import_eur_per_kwh=-0.5, export_eur_per_kwh=-0.5)
    world.connect()
    world.describe()
    for seconds, told in ((0, 1), (6 * 60, 2), (6 * 60, 2), (5 * 60, 3)):
        world.clock.advance(seconds)
        world.run(services.react_to_site, *world.ids)
        assert len(instructions()) == told
        with platform_scope("test"):
            unanswered = Instruction.objects.exclude(status=LedgerStatus.REJECTED)
            unanswered.update(status=LedgerStatus.REJECTED, status_at=world.clock.now())


def test_does_nothing_while_another_worker_is_at_it_and_comes_back(world: World) -> None:
    world.connect()
    with world.bus.site_lock(world.household.site.pk, 5.0) as ours:
        assert ours

        world.run(services.react_to_site, *world.ids)

    assert world.inbox() == []
    assert world.sent.reactions == [(*world.ids, services.RETRY_DELAY_S)]


def test_what_devices_answered_is_closed_before_the_lock_is_asked_for(world: World) -> None:
    """After an outage the stream is long, and a lock that ended meanwhile would let a second worker decide the same."""
    world.connect()
    world.describe()
    world.run(services.react_to_site, *world.ids)
    (row,) = instructions()
    batch = Batch()
    batch.ledger(LedgerRow(row.tenant_id, row.link_id, str(row.id), world.clock.now(), status="STARTED"))
    asyncio.run(world.gateway.write(batch))

    with world.bus.site_lock(world.household.site.pk, 5.0):
        world.run(services.react_to_site, *world.ids)

    (row,) = instructions()
    assert row.status == LedgerStatus.STARTED


def test_says_so_in_the_ledger_when_the_session_has_gone(world: World) -> None:
    world.connect()
    world.describe()

    def react_as_the_session_ends(*args: object, tools: object) -> None:
        services.react_to_site(*args, tools=tools)  # type: ignore[arg-type] # The fixture passes what it was given.
        world.gateway._store.links.clear()

    world.run(react_as_the_session_ends, *world.ids)

    (row,) = instructions()
    assert row.status == LedgerStatus.UNDELIVERED


def test_an_instruction_of_another_release_stops_nobody(world: World) -> None:
    world.connect()
    world.describe()
    world.run(services.react_to_site, *world.ids)
    with platform_scope("test"):
        Instruction.objects.update(message={"message_type": "FRBC.Instruction"}, reception="OK")

    world.clock.advance(60)
    world.run(services.react_to_site, *world.ids)

    assert len(instructions()) == 2


def test_a_site_that_is_gone_is_no_error(world: World) -> None:
    world.run(services.react_to_site, world.household.tenant.pk, uuid4())

    assert instructions() == []


def test_another_tenant_can_neither_wake_nor_see_the_site(world: World) -> None:
    world.connect()
    world.describe()

    world.run(services.react_to_site, uuid4(), world.household.site.pk)

    assert world.inbox() == []
    assert instructions() == []
