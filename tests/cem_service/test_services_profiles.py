"""The services with devices under PPBC: several starts told one by one, kept, and not pressed on who refuses."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cem_service import services
from cem_service.loading import load_site
from cem_service.models import Instruction, LedgerStatus
from flexhub.bus.snapshot import CONTROL_TYPE_FIELD
from s2.messages import (
    ControlType,
    PPBCPowerProfileDefinition,
    PPBCPowerProfileStatus,
    PPBCPowerSequenceContainer,
    PPBCPowerSequenceContainerStatus,
    PPBCPowerSequenceStatus,
    PPBCScheduleInstruction,
)
from tenants.scope import platform_scope
from tests.support.cem_world import World
from tests.support.resources import new_id, sequence

PARTS = ("wash", "dry")
MINUTE_S = 60.0


def described(world: World, **statuses: PPBCPowerSequenceStatus) -> None:
    """A washing machine with two parts, each an hour long, to be done within twelve hours."""
    now = world.clock.now()
    containers = tuple(
        PPBCPowerSequenceContainer(id=part, power_sequences=(sequence(f"{part}ing", (60, 1000.0)),)) for part in PARTS
    )
    definition = PPBCPowerProfileDefinition(
        message_id=new_id(),
        id="profile",
        start_time=now,
        end_time=now + timedelta(hours=12),
        power_sequences_containers=containers,
    )
    world.connect()
    world.fold(definition, **{CONTROL_TYPE_FIELD: ControlType.POWER_PROFILE_BASED_CONTROL.value})
    reported(world, **statuses)


def reported(world: World, **statuses: PPBCPowerSequenceStatus) -> None:
    told = tuple(
        PPBCPowerSequenceContainerStatus(
            power_profile_id="profile",
            sequence_container_id=part,
            selected_sequence_id=f"{part}ing" if part in statuses else None,
            status=statuses.get(part, PPBCPowerSequenceStatus.NOT_SCHEDULED),
        )
        for part in PARTS
    )
    world.fold(PPBCPowerProfileStatus(message_id=new_id(), sequence_container_status=told))


def react_after(world: World, seconds: float) -> None:
    world.clock.advance(seconds)
    world.run(services.react_to_site, *world.ids)


def ledger() -> list[Instruction]:
    with platform_scope("test"):
        return list(Instruction.objects.order_by("issued_at"))


def refuse_the_latest(world: World) -> None:
    with platform_scope("test"):
        latest = Instruction.objects.order_by("-issued_at")[:1].values("id")
        Instruction.objects.filter(id__in=latest).update(status=LedgerStatus.REJECTED, status_at=world.clock.now())


def test_each_part_is_told_its_start_and_both_are_kept(world: World) -> None:
    described(world)
    react_after(world, 0.0)
    reported(world, wash=PPBCPowerSequenceStatus.SCHEDULED)
    react_after(world, 1.0)

    messages = world.inbox()

    assert [type(one) for one in messages] == [PPBCScheduleInstruction] * 2
    assert [row.message["sequence_container_id"] for row in ledger()] == ["wash", "dry"]
    loaded = load_site(*world.ids, bus=world.bus, now=world.clock.now())
    assert loaded is not None
    told = loaded.told[world.household.link.pk]
    assert [row.message["sequence_container_id"] for row in told] == ["wash", "dry"]


def test_what_an_earlier_session_was_told_does_not_count(world: World) -> None:
    described(world)
    react_after(world, 0.0)
    described(world)

    loaded = load_site(*world.ids, bus=world.bus, now=world.clock.now())

    assert loaded is not None
    assert loaded.told == {world.household.link.pk: []}


def test_nothing_more_is_told_while_the_device_does_as_it_was_told(world: World) -> None:
    described(world)
    react_after(world, 0.0)
    reported(world, wash=PPBCPowerSequenceStatus.SCHEDULED)
    react_after(world, 1.0)
    reported(world, wash=PPBCPowerSequenceStatus.SCHEDULED, dry=PPBCPowerSequenceStatus.SCHEDULED)

    react_after(world, 1.0)

    assert len(ledger()) == 2


def test_who_refuses_again_and_again_is_asked_ever_more_rarely(world: World) -> None:
    described(world)
    react_after(world, 0.0)
    waits_s = []
    for _ in range(3):
        refuse_the_latest(world)
        told, waited_s = len(ledger()), 0.0
        while len(ledger()) == told:
            react_after(world, MINUTE_S)
            waited_s += MINUTE_S
        waits_s.append(waited_s)

    assert waits_s == [5 * MINUTE_S, 10 * MINUTE_S, 20 * MINUTE_S]


@pytest.mark.parametrize("status", [LedgerStatus.REVOKED, LedgerStatus.UNDELIVERED])
def test_what_never_took_effect_is_not_remembered_as_told(world: World, status: LedgerStatus) -> None:
    """A start that was taken back must not be taken for the one that the device waits for."""
    described(world)
    react_after(world, 0.0)
    with platform_scope("test"):
        Instruction.objects.update(status=status, status_at=world.clock.now())

    react_after(world, 6 * MINUTE_S)

    assert [row.message["sequence_container_id"] for row in ledger()] == ["wash", "wash"]


def test_a_start_that_was_refused_is_not_the_one_that_the_device_waits_for(world: World) -> None:
    """It chose one by itself, which nobody knows; so nothing can follow it yet."""
    described(world)
    react_after(world, 0.0)
    refuse_the_latest(world)
    reported(world, wash=PPBCPowerSequenceStatus.SCHEDULED)

    react_after(world, 6 * MINUTE_S)

    assert [row.message["sequence_container_id"] for row in ledger()] == ["wash"]
