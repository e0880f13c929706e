from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from cem_service import limits, runtime
from cem_service.models import AbnormalCondition, GridLimit
from tenants.models import User
from tenants.scope import platform_scope
from tests.support.cem_world import World
from tests.support.registry import audited, make_member, make_operator

LIMITS, ABNORMAL = "/admin/cem_service/gridlimit/", "/admin/cem_service/abnormalcondition/"


@pytest.fixture
def grid(world: World, client: Client, monkeypatch: pytest.MonkeyPatch) -> World:
    """Somebody of the platform is signed in, and the pages use the world's bus."""
    monkeypatch.setattr(runtime, "tools", lambda: world.tools)
    client.force_login(make_operator("olga"))
    return world


def _times(world: World, minutes: int) -> dict[str, str]:
    """As the two boxes of each moment send them."""
    moments = {"starts_at": world.clock.now(), "ends_at": world.clock.now() + timedelta(minutes=minutes)}
    return {
        f"{name}_{part}": f"{moment:{form}}"
        for name, moment in moments.items()
        for part, form in enumerate(("%Y-%m-%d", "%H:%M:%S"))
    }


def _limit(world: World, **values: Any) -> dict[str, Any]:
    words = {"reference": "event-1", "source": "Grid Ltd", "reason": "A cable is out."}
    return {"site": str(world.household.site.pk), **words, "import_w": "2000", **_times(world, 60), **values}


def test_an_operator_limits_a_site_and_withdraws_it(grid: World, client: Client) -> None:
    assert client.get(f"{LIMITS}add/").status_code == 200

    def set_it(*, tools: object) -> None:
        assert client.post(f"{LIMITS}add/", _limit(grid)).status_code == 302

    grid.run(set_it)
    with platform_scope("test"):
        limit = GridLimit.objects.get()
    assert grid.sent.reactions == [(*grid.ids, 0.0)]
    for page in (LIMITS, f"{LIMITS}{limit.pk}/change/"):
        text = client.get(page).content.decode()
        for shown in ("in force", "Grid Ltd", "Alder house", "event-1"):
            assert shown in text

    client.post(LIMITS, {"action": "withdraw", "_selected_action": [str(limit.pk)]})
    with platform_scope("test"):
        assert GridLimit.objects.get().withdrawn_at == grid.clock.now()
    for outcome in ("set", "withdrawn"):
        assert audited(f"cem.gridlimit.{outcome}")[0]["actor_name"] == "olga"


@pytest.mark.parametrize("page", [LIMITS, ABNORMAL])
def test_what_is_over_is_not_told_as_withdrawn(grid: World, client: Client, page: str) -> None:
    site, wish = grid.household.site, grid.wish(import_w=2000)
    if page == LIMITS:
        limits.set_limit(site=site, reference="event-1", wish=wish, tools=grid.tools)
    else:
        limits.allow_abnormal(site=site, ends_at=wish.ends_at, source=wish.source, reason=wish.reason, tools=grid.tools)
    with platform_scope("test"):
        (act,) = (GridLimit if page == LIMITS else AbnormalCondition).objects.all()
    chosen = {"action": "withdraw", "_selected_action": [str(act.pk)]}

    told = [client.post(page, chosen, follow=True).content.decode() for _ in range(2)]

    assert "withdrawn: 1." in told[0]
    assert "withdrawn: 0." in told[1]


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"import_w": ""}, "Give this, or one of the other two."),
        ({"ends_at_0": "2020-01-01"}, "It ends after it starts."),
        ({"reference": "a b"}, "has letters, digits"),
    ],
)
def test_the_form_says_what_is_wrong(grid: World, client: Client, values: dict[str, str], says: str) -> None:
    response = client.post(f"{LIMITS}add/", _limit(grid, **values))

    assert response.status_code == 200
    assert says in response.content.decode()
    with platform_scope("test"):
        assert not GridLimit.objects.exists()


def test_an_operator_allows_what_is_kept_for_emergencies(grid: World, client: Client) -> None:
    words = {"site": str(grid.household.site.pk), "source": "Grid Ltd", "reason": "Frequency is falling."}
    too_long = client.post(f"{ABNORMAL}add/", {**words, **_times(grid, 25 * 60)})
    assert "24 hours at most" in too_long.content.decode()

    assert client.post(f"{ABNORMAL}add/", {**words, **_times(grid, 60)}).status_code == 302

    with platform_scope("test"):
        condition = AbnormalCondition.objects.get()
    assert condition.starts_at == grid.clock.now()
    assert "in force" in client.get(ABNORMAL).content.decode()
    client.post(ABNORMAL, {"action": "withdraw", "_selected_action": [str(condition.pk)]})
    assert "withdrawn" in client.get(f"{ABNORMAL}{condition.pk}/change/").content.decode()
    assert [row["actor_name"] for row in audited("cem.abnormalcondition.withdrawn")] == ["olga"]


@pytest.mark.parametrize("page", [LIMITS, ABNORMAL])
def test_a_provider_sees_them_and_sets_none(grid: World, client: Client, page: str) -> None:
    member: User = make_member(grid.household.tenant)
    client.force_login(member)

    assert client.get(page).status_code == 200
    assert client.get(f"{page}add/").status_code == 403
    assert client.post(f"{page}add/", _limit(grid)).status_code == 403
