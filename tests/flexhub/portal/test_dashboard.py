from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client

from tenants.models import Tenant
from tests.flexhub.portal.conftest import Seats
from tests.support.clock import FixedClock
from tests.support.decisions import AT, make_instruction, make_plan_run
from tests.support.registry import Household, make_household, make_member, make_operator, make_tenant

pytestmark = pytest.mark.django_db

INDEX = "/admin/"
HOSTILE = "<script>alert(1)</script>"


def page(client: Client) -> str:
    """The page on one line, since what belongs together is spread over several."""
    response = client.get(INDEX)
    assert response.status_code == 200
    return re.sub(r"\s+", " ", response.content.decode())


@pytest.fixture(autouse=True)
def now(clock: FixedClock) -> FixedClock:
    """Ten o'clock: a minute and a half after what happens in these tests."""
    return clock


def test_it_counts_sessions_by_control_type(client: Client, seats: Seats, alder: Household) -> None:
    seats.sit_down(alder, control_type="FILL_RATE_BASED_CONTROL")
    seats.sit_down(make_household("Birch"))
    client.force_login(make_operator())

    text = page(client)

    assert '<a href="/admin/sessions/">2</a>' in text
    assert "?control_type=FILL_RATE_BASED_CONTROL" in text
    assert "not selected" in text


def test_it_counts_the_instructions_of_the_last_hour_by_status(client: Client, seats: Seats, alder: Household) -> None:
    for _ in range(2):
        make_instruction(alder)
    make_instruction(alder, issued_at=AT - timedelta(hours=2))
    client.force_login(make_member(alder.tenant))

    text = page(client)

    assert re.search(r'instruction/">2</a>', text)
    assert re.search(r"succeeded </span> 2</a>", text)
    assert "refused</a>" not in text
    assert "None in the last 24 hours." in text


def test_refusals_are_highlighted_and_listed(client: Client, seats: Seats, alder: Household) -> None:
    findings = [{"rule": "R-54", "text": "a timer blocks"}] * 2
    refused = make_instruction(alder, status="REJECTED", findings=findings, reason=HOSTILE)
    client.force_login(make_member(alder.tenant))

    text = page(client)

    assert "alarming" in text
    assert "1 refused</a>" in text
    assert f"/admin/cem_service/instruction/{refused.pk}/change/" in text
    assert f"/admin/links/{alder.link.pk}/conversation/" in text
    assert text.count("R-54") == 1
    assert HOSTILE not in text


def test_a_refusal_of_this_morning_is_listed_but_not_counted(client: Client, seats: Seats, alder: Household) -> None:
    make_instruction(alder, status="REJECTED", issued_at=AT - timedelta(hours=5))
    client.force_login(make_member(alder.tenant))

    text = page(client)

    assert "rejected" in text
    assert "alarming" not in text


def test_what_is_set_aside_is_shown_to_operators_when_there_is_any(
    client: Client, seats: Seats, alder: Household
) -> None:
    client.force_login(make_operator())
    assert not any("/admin/poison/" in figure for figure in _figures(page(client)))

    seats.bus.set_aside("ledger", "why", "text")

    assert '<a href="/admin/poison/">1</a>' in _figures(page(client))
    client.force_login(make_member(alder.tenant))
    assert "/admin/poison/" not in page(client)


def _figures(text: str) -> list[str]:
    return re.findall(r'<p class="portal-figure">\s*(<a [^>]*>\d+</a>)', text)


def test_it_counts_plan_runs_by_kind(client: Client, seats: Seats, alder: Household) -> None:
    make_plan_run(alder, duration_ms=10.0)
    make_plan_run(alder, duration_ms=20.0)
    client.force_login(make_member(alder.tenant))

    text = page(client)

    assert "2, 15.0 ms each" in text
    assert 'reactions</span> <span class="number">0</span>' in text


def test_birch_sees_no_figure_of_alders(client: Client, seats: Seats, alder: Household) -> None:
    seats.sit_down(alder)
    make_instruction(alder, status="REJECTED", plan_run=make_plan_run(alder))
    client.force_login(make_member(make_tenant("Birch")))

    text = page(client)

    assert "Alder" not in text
    assert re.findall(r'<p class="portal-figure">\s*<a [^>]*>(\d+)</a>', text) == ["0", "0", "0"]


@pytest.mark.parametrize("kind", [Tenant.Kind.MANUFACTURER, Tenant.Kind.AGGREGATOR])
def test_others_find_what_they_may_open(client: Client, seats: Seats, alder: Household, kind: Tenant.Kind) -> None:
    seats.sit_down(alder)
    client.force_login(make_member(make_tenant("Volta", kind)))

    text = page(client)

    assert 'id="dashboard"' not in text
    assert "/admin/tenants/apiclient/" in text


def test_it_says_that_redis_is_down_and_shows_the_rest(client: Client, alder: Household, redis_down: None) -> None:
    make_instruction(alder)
    client.force_login(make_member(alder.tenant))

    text = page(client)

    assert "Redis cannot be reached" in text
    assert "Instructions, last hour" in text


def test_it_shows_the_hubs_clock(client: Client, seats: Seats, alder: Household) -> None:
    client.force_login(make_member(alder.tenant))

    assert "2026-04-21 10:00:00 UTC" in page(client)
