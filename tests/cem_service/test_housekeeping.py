from __future__ import annotations

from datetime import timedelta

from cem_service import housekeeping, limits, services
from cem_service.models import ForecastScore, GridLimit, Instruction, PlanRun
from flexhub.bus.snapshot import CONTROL_TYPE_FIELD, RELEASED_FIELD
from s2.messages import ControlType
from tenants.models import Retention
from tenants.scope import platform_scope, tenant_scope
from tests.support.cem_world import World
from tests.support.privacy import AT, make_learned


def _counts() -> tuple[int, int]:
    with platform_scope("test"):
        return PlanRun.objects.count(), Instruction.objects.count()


def test_wakes_a_connected_site_that_has_no_plan_for_this_quarter_hour(world: World) -> None:
    world.connect()
    world.describe()

    assert housekeeping.wake_due_sites(world.tools) == 1
    assert world.sent.reactions == [(*world.ids, 0.0)]


def test_lets_a_site_be_whose_plan_is_of_this_quarter_hour(world: World) -> None:
    world.connect()
    world.describe()
    world.run(services.plan_site, *world.ids)

    assert housekeeping.wake_due_sites(world.tools) == 0

    world.clock.advance(15 * 60)
    assert housekeeping.wake_due_sites(world.tools) == 1


def test_a_site_without_a_session_is_not_woken(world: World) -> None:
    assert housekeeping.wake_due_sites(world.tools) == 0
    assert world.sent.reactions == []


def test_a_site_where_nothing_can_be_steered_is_let_be(world: World) -> None:
    world.connect()
    world.fold(**{CONTROL_TYPE_FIELD: ControlType.NOT_CONTROLABLE.value})

    assert housekeeping.wake_due_sites(world.tools) == 0


def test_a_resource_that_waits_to_be_selected_is_a_reason_to_wake(world: World) -> None:
    world.connect()

    assert housekeeping.wake_due_sites(world.tools) == 1


def test_a_released_device_is_a_reason_to_wake(world: World) -> None:
    world.connect()
    world.describe()
    world.run(services.plan_site, *world.ids)
    world.fold(**{CONTROL_TYPE_FIELD: "NO_SELECTION", RELEASED_FIELD: world.clock.now().isoformat()})

    assert housekeeping.wake_due_sites(world.tools) == 1


def test_one_wake_is_enough(world: World) -> None:
    world.connect()
    world.describe()

    housekeeping.wake_due_sites(world.tools)
    housekeeping.wake_due_sites(world.tools)

    assert len(world.sent.reactions) == 1


def test_forgets_what_is_older_than_a_week(world: World) -> None:
    world.connect()
    world.describe()
    world.run(services.react_to_site, *world.ids)
    assert _counts() == (1, 1)

    assert housekeeping.forget_old_plan_runs(world.clock.now() + timedelta(days=6)) == 0
    assert _counts() == (1, 1)

    assert housekeeping.forget_old_plan_runs(world.clock.now() + timedelta(days=8)) == 2
    assert _counts() == (0, 0)


def test_forgets_sooner_what_a_tenant_keeps_for_a_shorter_time(world: World) -> None:
    world.connect()
    world.describe()
    world.run(services.react_to_site, *world.ids)
    tenant_id, _ = world.ids
    with tenant_scope(tenant_id):
        Retention.objects.create(tenant_id=tenant_id, instruction_days=2)

    assert housekeeping.forget_old_plan_runs(world.clock.now() + timedelta(days=1)) == 0
    assert housekeeping.forget_old_plan_runs(world.clock.now() + timedelta(days=3)) == 1

    assert _counts() == (1, 0)


def test_limits_are_forgotten_long_after_their_end(world: World) -> None:
    for days in (1, 3):
        ends_at = world.clock.now() + timedelta(days=days)
        wish = world.wish(import_w=1, ends_at=ends_at)
        world.run(limits.set_limit, site=world.household.site, reference=f"ends-{days}", wish=wish)

    world.clock.advance((housekeeping.KEEP_LIMITS_FOR + timedelta(days=2)).total_seconds())

    assert housekeeping.forget_old_limits(world.clock.now()) == 1
    with platform_scope("test"):
        assert [row.reference for row in GridLimit.objects.all()] == ["ends-3"]


def test_scores_of_forecasts_are_forgotten_after_a_season(world: World) -> None:
    make_learned(world.household.site, world.household.link)

    assert housekeeping.forget_old_scores(AT + housekeeping.KEEP_SCORES_FOR) == 0
    assert housekeeping.forget_old_scores(AT + housekeeping.KEEP_SCORES_FOR + timedelta(seconds=1)) == 1

    with platform_scope("test"):
        assert not ForecastScore.objects.exists()
