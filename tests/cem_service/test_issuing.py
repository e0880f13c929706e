from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from cem_service import issuing, services
from cem_service.domain.decision import Decision
from cem_service.instructions import ppbc_instruction, revocation_of
from cem_service.models import Instruction, LedgerStatus, PlanRun
from cem_service.planners.reactive import react
from flexhub.bus import BusUnavailable, Envelope, PublishResult
from s2.messages import FRBCInstruction, PPBCScheduleInstruction, RevokeObject
from tenants.scope import platform_scope
from tests.support.cem_world import World
from tests.support.resources import new_id


class UnreachableInboxes:
    """A bus that still answers questions but takes no message any more."""

    def __init__(self, world: World, answer: PublishResult | None) -> None:
        self._world, self._answer = world, answer

    def __getattr__(self, name: str) -> object:
        return getattr(self._world.bus, name)

    def publish_all(self, envelopes: Sequence[Envelope]) -> list[PublishResult]:
        if self._answer is None:
            raise BusUnavailable("Redis is down")
        return [self._answer] * len(envelopes)


def _rows() -> list[Instruction]:
    with platform_scope("test"):
        return list(Instruction.objects.select_related("plan_run"))


@pytest.mark.parametrize("answer", [None, PublishResult.NO_SEAT, PublishResult.FULL])
def test_what_could_not_be_published_is_told_in_the_ledger(world: World, answer: PublishResult | None) -> None:
    world.connect()
    world.describe()
    world.tools = replace(world.tools, bus=UnreachableInboxes(world, answer))  # type: ignore[arg-type] # Passes on the rest.

    world.run(lambda *ids, tools: services.react_to_site(*ids, tools=world.tools), *world.ids)

    (row,) = _rows()
    assert row.status == LedgerStatus.UNDELIVERED
    assert world.inbox() == []


def test_what_was_decided_for_one_session_does_not_reach_the_next(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.connect()
    world.describe()

    def as_another_begins(*arguments: object, **named: object) -> list[Decision]:
        decisions = react(*arguments, **named)  # type: ignore[arg-type] # Passed on as they are.
        world.connect()
        return decisions

    monkeypatch.setattr(services, "react", as_another_begins)
    world.run(services.react_to_site, *world.ids)

    (row,) = _rows()
    assert row.status == LedgerStatus.UNDELIVERED
    assert world.inbox() == []


def test_the_row_is_the_message_that_was_sent(world: World) -> None:
    world.connect()
    world.describe()

    world.run(services.react_to_site, *world.ids)

    (row,) = _rows()
    (sent,) = world.inbox()
    assert isinstance(sent, FRBCInstruction)
    assert row.message["message_id"] == sent.message_id
    assert row.message["operation_mode"] == sent.operation_mode
    assert row.tenant_id == world.household.tenant.pk


def test_what_is_taken_back_goes_first(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An instruction that follows its revocation is the only open one (R-102)."""
    world.connect()
    world.describe()
    before = ppbc_instruction(
        PPBCScheduleInstruction,
        profile_id="profile",
        container_id="wash",
        sequence_id="eco",
        execution_time=world.clock.now(),
        new_id=new_id,
    )

    def with_revocation(*arguments: object, **named: object) -> list[Decision]:
        (decision,) = react(*arguments, **named)  # type: ignore[arg-type] # Passed on as they are.
        return [replace(decision, revocations=(revocation_of(before, new_id),))]

    monkeypatch.setattr(services, "react", with_revocation)
    world.run(services.react_to_site, *world.ids)

    first, second = world.inbox()
    assert isinstance(first, RevokeObject)
    assert first.object_id == before.id
    assert isinstance(second, FRBCInstruction)


def test_nothing_is_sent_when_the_decision_cannot_be_stored(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.connect()
    world.describe()

    def no_room(rows: Sequence[Instruction]) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(issuing, "_STORE", no_room)
    with pytest.raises(OSError, match="disk"):
        world.run(services.react_to_site, *world.ids)

    assert world.inbox() == []
    with platform_scope("test"):
        assert not PlanRun.objects.exists()
