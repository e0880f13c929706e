"""One device that brings a mistake of ours to light must not silence its home."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from cem_service import loading, services
from cem_service.domain.frbc import FRBCResource
from cem_service.domain.leaving_out import WHY
from cem_service.domain.resource import Resource
from cem_service.domain.site import SiteState
from cem_service.mistakes import Mistakes
from cem_service.models import Instruction, PlanRun, PlanRunKind
from cem_service.planners.building import plan_site
from cem_service.planners.reactive import react
from flexhub.devices.models import Link
from tenants.scope import platform_scope, tenant_scope
from tests.support.cem_world import World
from tests.support.registry import make_device


@pytest.fixture
def other(world: World) -> World:
    """A second battery in the same home; both are there and described."""
    device = make_device(world.household.site, name="Odd battery")
    with tenant_scope(world.household.tenant.pk):
        link = Link.objects.select_related("rm_node").get(rm_node__device=device)
    odd = replace(world, household=replace(world.household, device=device, rm_node=link.rm_node, link=link))
    for each in (world, odd):
        each.connect()
        each.describe()
    return odd


@pytest.fixture(autouse=True)
def _as_a_new_process(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in ((services, "_of_reactions"), (services, "_of_plans"), (loading, "_mistakes")):
        monkeypatch.setattr(module, name, Mistakes(name))


def _stumbling(work: Callable[..., Any], over: World) -> Callable[..., Any]:
    def stumble(site: SiteState, *arguments: Any, **named: Any) -> Any:
        if any(one.link_id == over.household.link.pk and isinstance(one, FRBCResource) for one in site.resources):
            raise ZeroDivisionError
        return work(site, *arguments, **named)

    return stumble


def _runs(kind: PlanRunKind) -> list[PlanRun]:
    with platform_scope("test"):
        return list(PlanRun.objects.filter(kind=kind).order_by("at"))


def _told() -> set[object]:
    with platform_scope("test"):
        return set(Instruction.objects.values_list("link_id", flat=True))


def test_the_others_are_told_and_the_mistake_is_said_once(
    world: World, other: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "react", _stumbling(react, other))

    with capture_logs() as logs:
        for _ in range(2):
            world.run(services.react_to_site, *world.ids)
            world.clock.advance(1)

    assert _told() == {world.household.link.pk}
    (said,) = [each for each in logs if each["event"] == "cem.device_left_out"]
    assert said["link_id"] == str(other.household.link.pk)
    assert isinstance(said["exc_info"], ZeroDivisionError)
    (run,) = _runs(PlanRunKind.REACTION)
    assert f"Odd battery is left out: {WHY}." in run.summary
    assert run.inputs["not_ready"] == {"Odd battery": WHY}


def test_a_home_of_which_nobody_is_told_anything_still_says_why(
    world: World, other: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.run(services.react_to_site, *world.ids)
    monkeypatch.setattr(services, "react", _stumbling(react, other))
    world.clock.advance(1)

    world.run(services.react_to_site, *world.ids)

    assert f"Odd battery is left out: {WHY}." in _runs(PlanRunKind.REACTION)[-1].summary
    assert len(_runs(PlanRunKind.REACTION)) == 2


def test_the_end_of_a_mistake_is_said(world: World, other: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(services, "react", _stumbling(react, other))
        world.run(services.react_to_site, *world.ids)
    world.clock.advance(1)

    with capture_logs() as logs:
        world.run(services.react_to_site, *world.ids)

    assert [each["link_id"] for each in logs if each["event"] == "cem.device_taken_back"] == [
        str(other.household.link.pk)
    ]
    assert other.household.link.pk in _told()


def test_the_others_are_planned(world: World, other: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "compute_plan", _stumbling(plan_site, other))

    world.run(services.plan_site, *world.ids)

    (run,) = _runs(PlanRunKind.PLAN)
    assert run.plan is not None
    assert set(run.plan["devices"]) == {str(world.household.link.pk)}
    assert f"Odd battery is left out: {WHY}." in run.summary


def test_a_description_that_cannot_be_read_leaves_the_others(
    world: World, other: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Resource.from_messages

    def stumble(link_id: object, *rest: Any) -> Resource:
        if link_id == other.household.link.pk:
            raise ZeroDivisionError
        return read(link_id, *rest)  # type: ignore[arg-type]  # As it was called.

    monkeypatch.setattr(Resource, "from_messages", stumble)

    world.run(services.react_to_site, *world.ids)

    assert _told() == {world.household.link.pk}
