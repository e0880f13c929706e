"""What a plan leads to: it is stored, acted upon, and made again in time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from cem_service import services
from cem_service.domain import pace
from cem_service.domain.decision import Decision
from cem_service.domain.frbc import FRBCResource
from cem_service.domain.site import SiteState
from cem_service.last_instructions import last_instructions
from cem_service.loading import load_site, read_plan
from cem_service.models import PlanRun, PlanRunKind
from cem_service.planners.building import plan_site as compute_plan
from cem_service.planners.plan import SitePlan
from cem_service.planners.reactive import react
from tenants.scope import platform_scope
from tests.support.cem_world import World, instructions, plan_runs


def test_asks_for_a_plan_once_and_acts_on_it(world: World) -> None:
    world.connect()
    world.describe()
    world.run(services.react_to_site, *world.ids)
    world.run(services.react_to_site, *world.ids)
    assert world.sent.plans == [world.ids]

    world.run(services.plan_site, *world.ids)

    (run,) = plan_runs(PlanRunKind.PLAN)
    assert run.plan is not None
    assert run.summary.startswith("Expected cost of the next day")
    assert [row.plan_run.kind for row in instructions() if row.plan_run] == [PlanRunKind.REACTION]
    assert world.sent.reactions == []


def test_leaves_acting_on_a_plan_to_a_task_that_is_on_its_way(world: World) -> None:
    world.connect()
    world.describe()
    world.tools.wake(*world.ids)

    world.run(services.plan_site, *world.ids)

    assert instructions() == []
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
    (stored,) = plan_runs(PlanRunKind.PLAN)
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

    assert len(plan_runs(PlanRunKind.PLAN)) == 1
    assert len(instructions()) == 1


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

    assert instructions() == []
    assert world.sent.reactions == [(*world.ids, services.RETRY_DELAY_S)]


def test_a_plan_is_made_again_for_the_next_quarter_hour_only(world: World) -> None:
    world.connect()
    world.describe()
    world.run(services.plan_site, *world.ids)

    world.run(services.plan_site, *world.ids)
    assert len(plan_runs(PlanRunKind.PLAN)) == 1

    world.clock.advance(15 * 60)
    world.run(services.plan_site, *world.ids)
    assert len(plan_runs(PlanRunKind.PLAN)) == 2


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
        assert plan_runs(PlanRunKind.PLAN) == []

        world.run(services.react_to_site, *world.ids)

    assert world.sent.plans == [world.ids, world.ids]


def test_a_new_description_makes_a_plan_due_after_a_minute(world: World) -> None:
    world.connect()
    world.describe()
    world.run(services.plan_site, *world.ids)
    world.describe(level=2000)

    world.clock.advance(30)
    world.run(services.plan_site, *world.ids)
    assert len(plan_runs(PlanRunKind.PLAN)) == 1

    world.clock.advance(pace.SHORTEST_TIME_BETWEEN_PLANS / timedelta(seconds=1))
    world.run(services.plan_site, *world.ids)
    assert len(plan_runs(PlanRunKind.PLAN)) == 2


def test_a_plan_of_another_release_stops_nobody(world: World) -> None:
    world.connect()
    world.describe()
    world.run(services.plan_site, *world.ids)
    with platform_scope("test"):
        PlanRun.objects.update(plan={"version": 2})
    world.clock.advance(15 * 60)

    world.run(services.react_to_site, *world.ids)

    assert len(instructions()) == 2
    assert world.sent.plans == [world.ids]


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

    first, failed = plan_runs(PlanRunKind.PLAN)
    assert failed.summary.startswith("No plan could be made: ZeroDivisionError in test_services_plans.py, line ")
    assert "secret" not in failed.summary
    assert failed.plan == first.plan

    monkeypatch.undo()
    world.clock.advance(900)
    world.run(services.plan_site, *world.ids)
    assert plan_runs(PlanRunKind.PLAN)[-1].summary.startswith("Expected cost")


def test_a_first_plan_that_fails_leaves_the_site_to_reactions(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.connect()
    world.describe()
    monkeypatch.setattr(services, "compute_plan", lambda *_, **__: 1 / 0)
    world.run(services.plan_site, *world.ids)

    world.run(services.react_to_site, *world.ids)

    assert plan_runs(PlanRunKind.PLAN)[0].plan is None
    assert instructions()
