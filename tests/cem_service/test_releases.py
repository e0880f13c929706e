"""What the CEM does about devices that were released, and how it shows that it lives (decision 0013)."""

from __future__ import annotations

import asyncio

import pytest

from cem_service import services
from cem_service.models import Instruction
from flexhub.bus.snapshot import CONTROL_TYPE_FIELD, RELEASED_FIELD
from s2.messages import ControlType, SelectControlType
from tenants.scope import platform_scope
from tests.support.cem_world import World


def _objectives() -> list[str]:
    with platform_scope("test"):
        return list(Instruction.objects.order_by("issued_at").values_list("objective", flat=True))


def _release(world: World) -> None:
    """As the gateway does, and the device acknowledges it."""
    world.fold(**{CONTROL_TYPE_FIELD: "NO_SELECTION", RELEASED_FIELD: world.clock.now().isoformat()})


def test_a_released_device_is_selected_again_and_told_afresh(world: World) -> None:
    world.connect()
    world.describe()
    described_at = world.clock.now()
    world.run(services.react_to_site, *world.ids)
    world.clock.advance(10)
    _release(world)
    world.inbox()

    world.run(services.react_to_site, *world.ids)
    (selection,) = world.inbox()
    world.clock.advance(1)
    world.describe(valid_from=described_at)
    world.run(services.react_to_site, *world.ids)

    assert isinstance(selection, SelectControlType)
    assert selection.control_type is ControlType.FILL_RATE_BASED_CONTROL
    assert _objectives() == ["take_control", "take_control"]


def test_a_device_that_offers_nothing_any_more_is_not_asked_again_after_a_release(world: World) -> None:
    world.connect()
    _release(world)
    world.offer(ControlType.NOT_CONTROLABLE)
    world.run(services.react_to_site, *world.ids)
    (selection,) = world.inbox()

    world.fold(**{CONTROL_TYPE_FIELD: "NOT_CONTROLABLE"})
    world.run(services.react_to_site, *world.ids)

    assert isinstance(selection, SelectControlType)
    assert selection.control_type is ControlType.NOT_CONTROLABLE
    assert world.inbox() == []


def test_only_a_look_that_ends_well_leaves_a_mark(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    def marks() -> list[str | None]:
        return asyncio.run(world.gateway.last_looks([world.household.site.pk]))

    world.connect()
    world.run(services.react_to_site, *world.ids)
    before = marks()
    monkeypatch.setattr(services, "_act", fail)

    with pytest.raises(ZeroDivisionError):
        world.run(services.react_to_site, *world.ids)

    assert before != [None]
    assert marks() == before
