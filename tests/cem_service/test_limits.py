from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from cem_service import limits, services
from cem_service.grid_limit import MOST_OPEN
from cem_service.models import AbnormalCondition, GridLimit, Instruction
from flexhub.bus.errors import BusUnavailable
from s2.messages import FRBCInstruction
from tenants.scope import platform_scope, tenant_scope
from tests.support.cem_world import World
from tests.support.registry import audited, make_household


def _set(world: World, reference: str = "event-1", **values: Any) -> GridLimit:
    wish = world.wish(**({"import_w": 2000} | values))
    row = world.run(limits.set_limit, site=world.household.site, reference=reference, wish=wish)
    assert isinstance(row, GridLimit)
    return row


def _allow(world: World, hours: float = 1.0) -> AbnormalCondition:
    ends_at = world.clock.now() + timedelta(hours=hours)
    words = {"source": "Grid Ltd", "reason": "Frequency is falling."}
    row = world.run(limits.allow_abnormal, site=world.household.site, ends_at=ends_at, **words)
    assert isinstance(row, AbnormalCondition)
    return row


def _rows() -> list[GridLimit]:
    with platform_scope("test"):
        return list(GridLimit.objects.all())


def test_a_limit_that_arrives_at_full_charge_is_on_the_bus_with_the_next_task(world: World) -> None:
    """At negative prices the battery takes all it can get, and nothing else in the house draws anything."""
    world.pay(import_eur_per_kwh=-0.5, export_eur_per_kwh=-0.6)
    world.connect()
    world.describe(power_w=5000.0, mode="charge", level=1000.0)
    world.run(services.react_to_site, *world.ids)
    (at_full,) = world.inbox()
    assert isinstance(at_full, FRBCInstruction)
    assert at_full.operation_mode_factor == 1.0
    world.sent.reactions.clear()

    _set(world, import_w=2000)
    assert world.sent.reactions == [(*world.ids, 0.0)]
    world.run(services.react_to_site, *world.ids)

    (told,) = world.inbox()
    assert isinstance(told, FRBCInstruction)
    assert told.operation_mode == "charge"
    assert told.operation_mode_factor == pytest.approx(0.9 * 2000 / 5000)


@pytest.mark.parametrize(("field", "objective"), [("import_w", "grid_limit"), ("steerable_w", "steerable_limit")])
def test_an_instruction_says_whose_limit_it_obeys(world: World, field: str, objective: str) -> None:
    """At negative prices a battery would take all it can get."""
    world.connect()
    world.describe(level=1000.0)
    world.pay(import_eur_per_kwh=-0.5, export_eur_per_kwh=-0.6)
    values: dict[str, Any] = {"import_w": None, field: 2000}
    _set(world, **values)

    world.run(services.react_to_site, *world.ids)

    with platform_scope("test"):
        row = Instruction.objects.latest("issued_at")
    assert 1500 <= row.expected_power_w <= 2000
    assert row.objective == objective
    assert "Grid Ltd allows" in row.reason


def test_one_that_is_to_come_or_withdrawn_holds_nobody_back(world: World) -> None:
    world.connect()
    world.describe(level=1000.0)
    world.pay(import_eur_per_kwh=-0.5, export_eur_per_kwh=-0.6)
    later = world.clock.now() + timedelta(minutes=10)
    _set(world, "later", starts_at=later)
    world.run(limits.withdraw_limit, _set(world, "withdrawn"))

    world.run(services.react_to_site, *world.ids)

    with platform_scope("test"):
        assert Instruction.objects.latest("issued_at").expected_power_w == 5000


def test_a_site_is_woken_when_a_limit_begins_and_when_it_ends(world: World) -> None:
    now = world.clock.now()
    _set(world, starts_at=now + timedelta(minutes=5), ends_at=now + timedelta(minutes=10))
    world.sent.reactions.clear()
    world.bus.end_wake(world.household.site.pk)

    woken = []
    for _ in range(12):
        world.clock.advance(60)
        woken.append(limits.wake_changed(world.tools))
        world.bus.end_wake(world.household.site.pk)

    assert woken == [0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0]
    assert world.sent.reactions == [(*world.ids, 0.0)] * 2


def test_a_wake_that_failed_is_tried_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    _set(world, starts_at=world.clock.now() + timedelta(minutes=5))
    world.clock.advance(300)
    with monkeypatch.context() as broken:
        broken.setattr(world.bus, "request_wake", lambda _: (_ for _ in ()).throw(BusUnavailable("away")))
        with pytest.raises(BusUnavailable):
            limits.wake_changed(world.tools)

    assert limits.wake_changed(world.tools) == 1


def test_a_limit_counts_although_redis_is_away(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world.bus, "request_wake", lambda _: (_ for _ in ()).throw(BusUnavailable("away")))

    _set(world)

    assert len(_rows()) == 1


def test_the_same_reference_again_replaces_and_the_same_wish_changes_nothing(world: World) -> None:
    _set(world)
    _set(world)
    _set(world, import_w=3000)

    assert [row.import_w for row in _rows()] == [3000]
    entries = audited("cem.gridlimit.set")
    assert [entry["after"]["import_w"] for entry in entries] == [2000, 3000]
    assert entries[1]["before"]["import_w"] == 2000


def test_withdrawing_is_done_once(world: World) -> None:
    limit = _set(world)
    for _ in range(2):
        world.run(limits.withdraw_limit, limit)

    assert _rows()[0].state(world.clock.now()) == "withdrawn"
    assert len(audited("cem.gridlimit.withdrawn")) == 1


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"import_w": None}, "steerable_w"),
        ({"import_w": -1}, "import_w"),
        ({"ends_at": timedelta(0)}, "ends_at"),
        ({"ends_at": timedelta(days=400)}, "ends_at"),
        ({"starts_at": timedelta(hours=-2), "ends_at": timedelta(hours=-1)}, "ends_at"),
        ({"reference": "with space"}, "reference"),
        ({"source": ""}, "source"),
        ({"reason": "x" * 301}, "reason"),
    ],
)
def test_refuses_what_is_no_limit_and_names_the_field(world: World, values: dict[str, Any], field: str) -> None:
    now = world.clock.now()
    values = {key: now + value if isinstance(value, timedelta) else value for key, value in values.items()}

    with pytest.raises(ValidationError) as refusal:
        _set(world, **values)

    assert field in refusal.value.message_dict
    assert _rows() == []


def test_so_many_limits_and_no_more(world: World) -> None:
    with tenant_scope(world.household.tenant.pk):
        limit = _set(world)
        GridLimit.objects.bulk_create(
            GridLimit(
                tenant_id=limit.tenant_id,
                site_id=limit.site_id,
                reference=f"other-{number}",
                import_w=1,
                starts_at=limit.starts_at,
                ends_at=limit.ends_at,
            )
            for number in range(MOST_OPEN - 1)
        )

    with pytest.raises(ValidationError, match="withdraw some first"):
        _set(world, "one-too-many")


def test_another_tenant_sees_nothing_of_it(world: World) -> None:
    _set(world)
    _allow(world)
    birch = make_household("Birch")

    with tenant_scope(birch.tenant.pk):
        assert not GridLimit.objects.exists()
        assert not AbnormalCondition.objects.exists()


def test_what_is_kept_for_emergencies_is_used_in_one_and_says_so(world: World) -> None:
    world.connect()
    world.describe(level=1000.0, abnormal_only=("charge",))
    world.pay(import_eur_per_kwh=-0.5, export_eur_per_kwh=-0.6)
    world.run(services.react_to_site, *world.ids)
    (calm,) = world.inbox()
    world.clock.advance(1)

    condition = _allow(world)
    world.run(services.react_to_site, *world.ids)
    (urgent,) = world.inbox()

    assert isinstance(calm, FRBCInstruction)
    assert isinstance(urgent, FRBCInstruction)
    assert (calm.operation_mode, calm.abnormal_condition) == ("idle", False)
    assert (urgent.operation_mode, urgent.abnormal_condition) == ("charge", True)
    assert [entry["after"]["reason"] for entry in audited("cem.abnormalcondition.allowed")] == ["Frequency is falling."]
    world.run(limits.withdraw_abnormal, condition)
    assert len(audited("cem.abnormalcondition.withdrawn")) == 1


@pytest.mark.parametrize("hours", [-1, 0, 25])
def test_an_emergency_has_an_end_within_a_day(world: World, hours: int) -> None:
    with pytest.raises(ValidationError, match=r"ends|lasts"):
        _allow(world, hours)
