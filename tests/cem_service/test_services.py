from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from cem_service import services
from cem_service.domain import pace
from cem_service.domain.decision import Decision
from cem_service.domain.frbc import FRBCResource
from cem_service.domain.site import SiteState
from cem_service.last_instructions import last_instructions
from cem_service.loading import load_site, read_plan
from cem_service.models import Instruction, LedgerStatus, PlanRun, PlanRunKind
from cem_service.planners.building import plan_site as compute_plan
from cem_service.planners.plan import SitePlan
from cem_service.planners.reactive import react
from flexhub.bus import Batch, LedgerRow
from s2.messages import ControlType, FRBCInstruction, SelectControlType
from tenants.scope import platform_scope
from tests.support.cem_world import World


def _instructions() -> list[Instruction]:
    with platform_scope("test"):
        return list(Instruction.objects.select_related("plan_run").order_by("issued_at"))


def _plan_runs(kind: PlanRunKind) -> list[PlanRun]:
    with platform_scope("test"):
        return list(PlanRun.objects.filter(kind=kind).order_by("at"))


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
    (row,) = _instructions()
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

    assert len(_instructions()) == 1


def test_an_instruction_to_an_earlier_session_does_not_count(world: World) -> None:
    world.connect()
    world.describe()
    world.run(services.react_to_site, *world.ids)

    world.clock.advance(1)
    world.connect()
    world.describe()
    world.run(services.react_to_site, *world.ids)

    tokens = [row.seat_token for row in _instructions()]
    assert len(tokens) == 2
    assert tokens[0] < tokens[1]


def test_an_instruction_about_an_older_description_does_not_count(world: World) -> None:
    world.connect()
    world.describe()
    world.run(services.react_to_site, *world.ids)

    world.clock.advance(10)
    world.describe()
    world.run(services.react_to_site, *world.ids)

    assert [row.objective for row in _instructions()] == ["take_control", "take_control"]


def test_a_refused_device_is_left_alone_for_a_while(world: World) -> None:
    world.connect()
    world.describe()
    world.run(services.react_to_site, *world.ids)
    with platform_scope("test"):
        Instruction.objects.update(status=LedgerStatus.REJECTED, status_at=world.clock.now())

    world.clock.advance(10)
    world.run(services.react_to_site, *world.ids)

    assert len(_instructions()) == 1


def test_a_device_that_refused_twice_is_left_alone_twice_as_long(world: World) -> None:
    world.pay(import_eur_per_kwh=-0.5, export_eur_per_kwh=-0.5)
    world.connect()
    world.describe()
    for seconds, told in ((0, 1), (6 * 60, 2), (6 * 60, 2), (5 * 60, 3)):
        world.clock.advance(seconds)
        world.run(services.react_to_site, *world.ids)
        assert len(_instructions()) == told
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
    (row,) = _instructions()
    batch = Batch()
    batch.ledger(LedgerRow(row.tenant_id, row.link_id, str(row.id), world.clock.now(), status="STARTED"))
    asyncio.run(world.gateway.write(batch))

    with world.bus.site_lock(world.household.site.pk, 5.0):
        world.run(services.react_to_site, *world.ids)

    (row,) = _instructions()
    assert row.status == LedgerStatus.STARTED


def test_says_so_in_the_ledger_when_the_session_has_gone(world: World) -> None:
    world.connect()
    world.describe()

    def react_as_the_session_ends(*args: object, tools: object) -> None:
        services.react_to_site(*args, tools=tools)  # type: ignore[arg-type] # The fixture passes what it was given.
        world.gateway._store.links.clear()

    world.run(react_as_the_session_ends, *world.ids)

    (row,) = _instructions()
    assert row.status == LedgerStatus.UNDELIVERED


def test_asks_for_a_plan_once_and_acts_on_it(world: World) -> None:
    world.connect()
    world.describe()
    world.run(services.react_to_site, *world.ids)
    world.run(services.react_to_site, *world.ids)
    assert world.sent.plans == [world.ids]

    world.run(services.plan_site, *world.ids)

    (run,) = _plan_runs(PlanRunKind.PLAN)
    assert run.plan is not None
    assert run.summary.startswith("Expected cost of the next day")
    assert [row.plan_run.kind for row in _instructions() if row.plan_run] == [PlanRunKind.REACTION]
    assert world.sent.reactions == []


def test_leaves_acting_on_a_plan_to_a_task_that_is_on_its_way(world: World) -> None:
    world.connect()
    world.describe()
    world.tools.wake(*world.ids)

    world.run(services.plan_site, *world.ids)

    assert _instructions() == []
    assert world.sent.reactions == [(*world.ids, 0.0)]


def test_acts_on_just_what_was_stored(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.connect()
    world.describe()
    acted_on: list[object] = []

    def remembered(site_id: UUID, plan: dict[str, Any] | None) -> SitePlan | None:
        acted_on.append(plan)
        return read_plan(site_id, plan)

    monkeypatch.setattr(services, "read_plan", remembered)
    run = world.run(services.plan_site, *world.ids)

    assert isinstance(run, PlanRun)
    (stored,) = _plan_runs(PlanRunKind.PLAN)
    assert acted_on == [stored.plan]
    assert (run.at, run.inputs, run.reasons) == (stored.at, stored.inputs, stored.reasons)


def test_does_not_repeat_what_a_device_was_told_while_the_site_was_planned(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.connect()
    world.describe()

    def plan_slowly(site: SiteState, **named: Any) -> SitePlan:
        services.react_to_site(*world.ids, tools=world.tools)
        return compute_plan(site, **named)

    monkeypatch.setattr(services, "compute_plan", plan_slowly)
    world.run(services.plan_site, *world.ids)

    assert len(_plan_runs(PlanRunKind.PLAN)) == 1
    assert len(_instructions()) == 1


@pytest.mark.parametrize(("is_looked_at", "acted_upon"), [(False, 5000.0), (True, 9000.0)])
def test_reads_a_site_again_that_was_looked_at_while_it_was_planned(
    world: World, monkeypatch: pytest.MonkeyPatch, is_looked_at: bool, acted_upon: float
) -> None:
    """What is worth a look wakes the site, and that was not so where nobody has looked."""
    world.connect()
    world.describe(level=5000.0)
    seen: list[tuple[float | None, datetime]] = []

    def plan_slowly(site: SiteState, **named: Any) -> SitePlan:
        plan = compute_plan(site, **named)
        world.describe(level=9000.0)
        world.clock.advance(1)
        if is_looked_at:
            services.react_to_site(*world.ids, tools=world.tools)
        return plan

    def looked(site: SiteState, *rest: Any, **named: Any) -> list[Decision]:
        seen.extend((one.fill_level, site.now) for one in site.resources if isinstance(one, FRBCResource))
        return react(site, *rest, **named)

    monkeypatch.setattr(services, "compute_plan", plan_slowly)
    monkeypatch.setattr(services, "react", looked)
    world.run(services.plan_site, *world.ids)

    assert seen[-1] == (acted_upon, world.clock.now())
    assert len(seen) == 1 + is_looked_at


def test_a_site_that_was_read_to_be_planned_is_not_acted_upon(world: World) -> None:
    world.connect()
    world.describe()
    loaded = load_site(*world.ids, bus=world.bus, now=world.clock.now(), to_act=False)

    assert loaded is not None
    with pytest.raises(ValueError, match="was not loaded"):
        last_instructions(loaded, world.tools)


def test_acts_on_a_plan_later_when_a_reaction_is_at_work(world: World) -> None:
    world.connect()
    world.describe()

    with world.bus.site_lock(world.household.site.pk, 5.0):
        world.run(services.plan_site, *world.ids)

    assert _instructions() == []
    assert world.sent.reactions == [(*world.ids, services.RETRY_DELAY_S)]


def test_a_plan_is_made_again_for_the_next_quarter_hour_only(world: World) -> None:
    world.connect()
    world.describe()
    world.run(services.plan_site, *world.ids)

    world.run(services.plan_site, *world.ids)
    assert len(_plan_runs(PlanRunKind.PLAN)) == 1

    world.clock.advance(15 * 60)
    world.run(services.plan_site, *world.ids)
    assert len(_plan_runs(PlanRunKind.PLAN)) == 2


@pytest.mark.parametrize(("plan_time_s", "searches"), [(0.0, False), (3600.0, True)])
def test_the_planner_is_told_how_much_time_is_left(
    world: World, monkeypatch: pytest.MonkeyPatch, plan_time_s: float, searches: bool
) -> None:
    asked = []

    def planned(site: SiteState, *, more_time: Callable[[], bool]) -> SitePlan:
        asked.append(more_time())
        return compute_plan(site)

    monkeypatch.setattr(services, "compute_plan", planned)
    world.connect()
    world.describe()
    tools = replace(world.tools, plan_time_s=plan_time_s)

    world.run(lambda *ids, **_: services.plan_site(*ids, tools=tools), *world.ids)

    assert asked == [searches]


def test_a_planner_that_died_does_not_keep_the_next_one_from_being_asked_for(world: World) -> None:
    world.connect()
    world.describe()
    with world.bus.site_lock(services._plan_key(world.household.site.pk), services.PLAN_LOCK_S):
        world.run(services.react_to_site, *world.ids)
        world.run(services.plan_site, *world.ids)
        assert _plan_runs(PlanRunKind.PLAN) == []

        world.run(services.react_to_site, *world.ids)

    assert world.sent.plans == [world.ids, world.ids]


def test_a_new_description_makes_a_plan_due_after_a_minute(world: World) -> None:
    world.connect()
    world.describe()
    world.run(services.plan_site, *world.ids)
    world.describe(level=2000)

    world.clock.advance(30)
    world.run(services.plan_site, *world.ids)
    assert len(_plan_runs(PlanRunKind.PLAN)) == 1

    world.clock.advance(pace.SHORTEST_TIME_BETWEEN_PLANS / timedelta(seconds=1))
    world.run(services.plan_site, *world.ids)
    assert len(_plan_runs(PlanRunKind.PLAN)) == 2


def test_a_plan_of_another_release_stops_nobody(world: World) -> None:
    world.connect()
    world.describe()
    world.run(services.plan_site, *world.ids)
    with platform_scope("test"):
        PlanRun.objects.update(plan={"version": 2})
    world.clock.advance(15 * 60)

    world.run(services.react_to_site, *world.ids)

    assert len(_instructions()) == 2
    assert world.sent.plans == [world.ids]


def test_an_instruction_of_another_release_stops_nobody(world: World) -> None:
    world.connect()
    world.describe()
    world.run(services.react_to_site, *world.ids)
    with platform_scope("test"):
        Instruction.objects.update(message={"message_type": "FRBC.Instruction"}, reception="OK")

    world.clock.advance(60)
    world.run(services.react_to_site, *world.ids)

    assert len(_instructions()) == 2


def test_a_site_that_is_gone_is_no_error(world: World) -> None:
    world.run(services.react_to_site, world.household.tenant.pk, uuid4())

    assert _instructions() == []


def test_another_tenant_can_neither_wake_nor_see_the_site(world: World) -> None:
    world.connect()
    world.describe()

    world.run(services.react_to_site, uuid4(), world.household.site.pk)

    assert world.inbox() == []
    assert _instructions() == []


def test_a_plan_that_fails_leaves_the_one_before_and_is_not_tried_without_end(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.connect()
    world.describe()
    world.run(services.plan_site, *world.ids)
    world.clock.advance(900)

    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("secret-of-a-device")

    monkeypatch.setattr(services, "compute_plan", fail)
    world.run(services.plan_site, *world.ids)
    world.run(services.plan_site, *world.ids)

    first, failed = _plan_runs(PlanRunKind.PLAN)
    assert failed.summary.startswith("No plan could be made: ZeroDivisionError in test_services.py, line ")
    assert "secret" not in failed.summary
    assert failed.plan == first.plan

    monkeypatch.undo()
    world.clock.advance(900)
    world.run(services.plan_site, *world.ids)
    assert _plan_runs(PlanRunKind.PLAN)[-1].summary.startswith("Expected cost")


def test_a_first_plan_that_fails_leaves_the_site_to_reactions(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.connect()
    world.describe()
    monkeypatch.setattr(services, "compute_plan", lambda *_, **__: 1 / 0)
    world.run(services.plan_site, *world.ids)

    world.run(services.react_to_site, *world.ids)

    assert _plan_runs(PlanRunKind.PLAN)[0].plan is None
    assert _instructions()
