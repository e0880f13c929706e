from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from django.test import AsyncClient, Client

from tenants import audit, audit_export
from tenants.audit_admin import BoundedPaginator
from tenants.models import AuditEntry, Tenant
from tenants.scope import platform_scope, tenant_scope
from tests.support.registry import audited, make_member, make_operator, make_site, make_stranger, make_tenant

TRAIL = "/admin/tenants/auditentry/"


def _content(response: Any) -> str:
    return b"".join(response.streaming_content).decode()


@pytest.mark.django_db
def test_an_object_leads_to_its_trail(client: Client) -> None:
    alder = make_tenant("Alder")
    site = make_site(alder, "Alder house")
    make_site(alder, "Other house")
    client.force_login(make_member(alder))

    page = client.get(f"/admin/devices/site/{site.pk}/history/", follow=True)

    assert page.redirect_chain[0][0].startswith(TRAIL)
    assert [row.object_id for row in page.context["cl"].result_list] == [str(site.pk)]
    assert (
        f"/admin/devices/site/{site.pk}/history/"
        in client.get(f"/admin/devices/site/{site.pk}/change/").content.decode()
    )


@pytest.mark.django_db
def test_nobody_is_led_to_what_is_not_theirs(client: Client) -> None:
    site = make_site(make_tenant("Alder"))
    client.force_login(make_member(make_tenant("Birch")))

    assert client.get(f"/admin/devices/site/{site.pk}/history/").status_code == 404


@pytest.mark.django_db
@pytest.mark.parametrize(
    "filters",
    [
        {"at_from_0": "2000-01-01", "at_from_1": "00:00:00"},
        {"at_from_0": "2000-01-01", "at_to_0": "2999-12-31"},
        {"actor": "system"},
        {"via__exact": ""},
        {"object_type": "devices.site"},
    ],
)
def test_is_narrowed_by_time_actor_way_and_object(client: Client, filters: dict[str, str]) -> None:
    alder = make_tenant("Alder")
    make_site(alder, "Alder house")
    client.force_login(make_member(alder))

    assert "Alder house" in client.get(TRAIL, filters).content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("filters", "answer"),
    [({"at_to_0": "2000-01-01"}, 200), ({"at_from_0": "yesterday"}, 302), ({"via__exact": "telepathy"}, 200)],
)
def test_a_filter_is_never_passed_over(client: Client, filters: dict[str, str], answer: int) -> None:
    alder = make_tenant("Alder")
    make_site(alder, "Alder house")
    client.force_login(make_member(alder))

    response = client.get(TRAIL, filters)

    assert response.status_code == answer
    assert "Alder house" not in response.content.decode()


@pytest.mark.django_db
def test_is_taken_away_as_csv_by_the_same_filters(client: Client) -> None:
    alder, birch = make_tenant("Alder"), make_tenant("Birch")
    make_site(alder, "=cmd|' /C calc'!A0")
    make_site(birch, "Birch house")
    client.force_login(make_member(alder, "ann"))

    response = client.get(f"{TRAIL}export.csv", {"q": "devices.site.created"})

    rows = list(csv.DictReader(io.StringIO(_content(response))))
    assert [row["object_name"] for row in rows] == ["'=cmd|' /C calc'!A0"]
    assert json.loads(rows[0]["after"])["timezone"] == "Europe/Amsterdam"
    assert "attachment" in response["Content-Disposition"]
    assert "no-store" in response["Cache-Control"]
    (row,) = audited("tenants.auditentry.exported")
    assert (row["tenant_id"], row["actor_name"]) == (alder.pk, "ann")
    assert row["after"] == {"rows": 1, "form": "csv", "filter": "q=devices.site.created"}


@pytest.mark.django_db
def test_is_read_page_by_page(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_export, "_PAGE", 2)
    alder, birch = make_tenant("Alder"), make_tenant("Birch")
    for tenant in (alder, birch):
        for name in ("One", "Two", "Three"):
            make_site(tenant, name)
    client.force_login(make_operator())

    lines = _content(client.get(f"{TRAIL}export.jsonl", {"q": "devices.site.created"})).splitlines()

    numbers = [json.loads(line)["id"] for line in lines]
    assert len(numbers) == 6
    assert numbers == sorted(numbers, reverse=True)
    told = [(row["tenant_id"], row["after"]) for row in audited("tenants.auditentry.exported")]
    assert sorted(told, key=str) == sorted(
        [(tenant.pk, {"rows": 3, "form": "jsonl"}) for tenant in (alder, birch)], key=str
    )


@pytest.mark.django_db
def test_is_not_taken_away_in_one_piece_where_it_is_too_long(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_export, "MOST_ROWS", 1)
    alder = make_tenant("Alder")
    client.force_login(make_member(alder))

    response = client.get(f"{TRAIL}export.csv", follow=True)

    assert "shorter time" in response.content.decode()
    assert not audited("tenants.auditentry.exported")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "status"), [("export.xls", 404), ("export.csv?nonsense=1", 302), ("export.csv?at_from_0=x", 302)]
)
def test_has_no_other_form_and_no_other_filter(client: Client, path: str, status: int) -> None:
    client.force_login(make_operator())

    assert client.get(f"{TRAIL}{path}").status_code == status


@pytest.mark.django_db
def test_is_for_nobody_who_may_not_see_it(client: Client) -> None:
    client.force_login(make_stranger())

    assert client.get(f"{TRAIL}export.csv").status_code == 403


@pytest.mark.django_db(transaction=True)
async def test_streams_under_asgi() -> None:
    ann = await sync_to_async(lambda: make_member(make_tenant("Alder", Tenant.Kind.PROVIDER), "ann"))()
    client = AsyncClient()
    await client.aforce_login(ann)

    response: Any = await client.get(f"{TRAIL}export.jsonl")
    content = b"".join([part async for part in response.streaming_content])
    await sync_to_async(response.close)()

    assert {json.loads(line)["object_name"] for line in content.splitlines()} >= {"Alder", "ann"}
    await sync_to_async(connections.close_all)()


@pytest.mark.django_db
def test_counts_no_further_than_people_turn_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BoundedPaginator, "MOST", 2)
    alder = make_tenant("Alder")
    with tenant_scope(alder.pk):
        for _ in range(3):
            audit.record("x.y.done", alder, actor=None)

    with platform_scope("test"):
        assert BoundedPaginator(AuditEntry.objects.all(), 1).count == 2
