from __future__ import annotations

import re
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from cem_service.objectives import create_tariff, set_objectives
from tests.support.cem_world import World, make_world
from tests.support.clock import FixedClock
from tests.support.registry import make_member, make_site, make_tenant
from tests.support.what_if import answer_at_once, answer_never

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(
    clock: FixedClock,
    client: Client,
    redis_url: str,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Callable[..., AbstractContextManager[object]],
) -> World:
    """Alder's home with a battery, and Ann signed in who looks after it."""
    world = make_world(clock, django_capture_on_commit_callbacks)
    answer_at_once(monkeypatch, world.tools)
    client.force_login(make_member(world.household.tenant, "ann"))
    return world


def _page(world: World) -> str:
    return f"/admin/sites/{world.household.site.pk}/what-if/"


def _ask(client: Client, world: World, **form: str) -> str:
    """Where the page that answers fetches what was asked."""
    response = client.post(_page(world), form)
    assert response.status_code == 200
    found = re.search(r'hx-get="([^"]+)"', response.content.decode())
    assert found is not None
    return found[1]


def _cells(response: Any) -> list[list[str]]:
    rows = re.findall(r"<tr><th scope=\"row\">(.*?)</tr>", response.content.decode(), re.DOTALL)
    return [[re.sub(r"<[^>]+>", "", cell).strip() for cell in re.split(r"</t[hd]>", row)][:4] for row in rows]


def test_shows_both_days_and_the_difference(client: Client, world: World) -> None:
    world.connect()
    world.describe(level=5000.0)
    tariff = create_tariff(
        tenant=world.household.tenant, name="dear", import_eur_per_kwh=[0.5] * 24, export_eur_per_kwh=[0.1] * 24
    )

    response = client.get(_ask(client, world, tariff=str(tariff.pk), comfort_percent="10", cem_off="on"))

    assert response.status_code == 200
    cells = _cells(response)
    assert [row[0] for row in cells] == [
        "Cost (EUR)",
        "Of it, the bill (EUR)",
        "Drawn from the grid (kWh)",
        "Fed in (kWh)",
        "Highest quarter hour (W)",
        "Comfort kept",
    ]
    assert cells[-1][1:3] == ["by all", "by all"]
    assert all(re.fullmatch(r"[+-][\d.,]+", row[3]) for row in cells[:-1])


def test_a_tariff_counts_with_its_prices_of_weekends(client: Client, world: World) -> None:
    """At the site's own tariff the day is as it is, on a Saturday too."""
    saturday = timedelta(days=4)
    world.clock.advance(saturday.total_seconds())
    tariff = create_tariff(
        tenant=world.household.tenant,
        name="weekend",
        import_eur_per_kwh=[0.1, 0.5] * 12,
        export_eur_per_kwh=[0.1] * 24,
        weekend_import_eur_per_kwh=[0.9, 0.3] * 12,
        weekend_export_eur_per_kwh=[0.2] * 24,
    )
    set_objectives(site=world.household.site, tariff=tariff)
    world.connect()
    world.describe(level=5000.0)

    cells = _cells(client.get(_ask(client, world, tariff=str(tariff.pk))))

    assert cells[0][1] == cells[0][2] != "0.00"
    assert {row[3] for row in cells[:-1]} == {"+0.00", "+0.0", "+0"}


def test_the_form_is_there_before_anything_was_asked(client: Client, world: World) -> None:
    text = client.get(_page(world)).content.decode()

    assert "Compute" in text
    assert "As it is" not in text


def test_says_that_no_device_is_connected(client: Client, world: World) -> None:
    assert "No device of this site is connected" in client.get(_ask(client, world)).content.decode()


def test_no_request_waits_for_a_worker(client: Client, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    answer_never(monkeypatch, patience_s=60.0)
    monkeypatch.setattr(time, "sleep", lambda _: pytest.fail("waits, with its transaction open"))

    answer = client.get(_ask(client, world))

    assert (answer.status_code, answer.content) == (204, b"")


def test_says_that_no_worker_has_answered(client: Client, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    answer_never(monkeypatch)

    assert "No worker has answered in time" in client.get(_ask(client, world)).content.decode()


def test_an_answer_is_about_the_site_that_was_asked_about(client: Client, world: World) -> None:
    world.connect()
    world.describe(level=5000.0)
    url = _ask(client, world)
    other = make_site(world.household.tenant, "Other house")

    text = client.get(url.replace(str(world.household.site.pk), str(other.pk))).content.decode()

    assert "No worker has answered in time" in text
    assert _cells(client.get(url))


def test_too_many_questions_are_put_off(client: Client, world: World, settings: Settings) -> None:
    settings.WHAT_IF_PER_MINUTE = 0

    response = client.post(_page(world), {})

    assert response.status_code == 429
    assert "Too many questions" in response.content.decode()


def test_what_is_wrong_is_said_at_its_field(client: Client, world: World) -> None:
    response = client.post(_page(world), {"comfort_percent": "80"})

    assert "less than or equal to 50" in response.content.decode()


def test_what_describes_a_field_is_on_the_page(client: Client, world: World) -> None:
    """Else who hears the page is told neither what a field means nor what is wrong with it."""
    for page in (client.get(_page(world)), client.post(_page(world), {"comfort_percent": "80"})):
        text = page.content.decode()
        described = re.findall(r'aria-describedby="([^"]+)"', text)

        assert len(described) == 3
        for name in " ".join(described).split():
            assert f'id="{name}"' in text


def test_another_tenants_site_and_tariff_are_not_there(client: Client, world: World) -> None:
    birch = make_tenant("Birch")
    theirs = create_tariff(
        tenant=birch, name="Birch tariff", import_eur_per_kwh=[0.1] * 24, export_eur_per_kwh=[0.1] * 24
    )

    assert "Select a valid choice" in client.post(_page(world), {"tariff": str(theirs.pk)}).content.decode()
    client.force_login(make_member(birch, "bert"))
    assert client.get(_page(world)).status_code == 404
