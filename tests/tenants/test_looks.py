from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tenants import looks
from tenants.models import AuditEntry, Tenant
from tenants.scope import platform_scope
from tests.support.registry import (
    audited,
    make_household,
    make_member,
    make_operator,
    make_site,
    make_superuser,
    make_tenant,
)

pytestmark = pytest.mark.django_db

SITES = "/admin/devices/site/"


def _rows(action: str) -> list[tuple[Any, ...]]:
    return [(row["tenant_id"], row["actor_name"], row["object_id"], row["after"]) for row in audited(action)]


def test_an_operator_who_opens_an_object_leaves_a_row_in_its_tenants_trail(client: Client) -> None:
    alder = make_tenant("Alder")
    site = make_site(alder)
    client.force_login(make_operator())

    for _ in range(3):
        assert client.get(f"{SITES}{site.pk}/change/").status_code == 200

    assert _rows("devices.site.viewed") == [(alder.pk, "olga", str(site.pk), None)]
    assert audited("devices.site.viewed")[0]["via"] == "admin"


def test_so_does_a_superuser_without_a_tenant(client: Client) -> None:
    site = make_site(make_tenant("Alder"))
    client.force_login(make_superuser())

    client.get(f"{SITES}{site.pk}/delete/")

    assert [row[1] for row in _rows("devices.site.viewed")] == ["root"]


def test_a_list_tells_each_tenant_how_many_of_its_rows_were_on_it(client: Client) -> None:
    alder, birch = make_tenant("Alder"), make_tenant("Birch")
    for name in ("One", "Two"):
        make_site(alder, name)
    make_site(birch, "Three")
    client.force_login(make_operator())

    client.get(SITES)

    rows = {row[0]: row[1:] for row in _rows("devices.site.listed")}
    assert rows == {
        alder.pk: ("olga", "", {"filter": "", "rows": 2}),
        birch.pk: ("olga", "", {"filter": "", "rows": 1}),
    }


def test_what_was_searched_for_is_told_to_nobody_but_its_owner(client: Client) -> None:
    alder, birch = make_tenant("Alder"), make_tenant("Birch")
    make_site(alder, "Elm Street")
    make_site(birch, "Elm Road")
    client.force_login(make_operator())

    client.get(SITES, {"q": "Elm"})
    client.get(SITES, {"q": "Elm Street"})

    filters = [(row[0], row[3]["filter"]) for row in _rows("devices.site.listed")]
    assert set(filters[:2]) == {(alder.pk, "q"), (birch.pk, "q")}
    assert filters[2:] == [(alder.pk, "q=Elm+Street")]


def test_people_who_look_at_what_is_their_own_leave_nothing(client: Client) -> None:
    alder = make_tenant("Alder")
    site = make_site(alder)
    client.force_login(make_member(alder))

    client.get(SITES)
    client.get(f"{SITES}{site.pk}/change/")

    assert not _rows("devices.site.listed") + _rows("devices.site.viewed")


def test_a_tenant_reads_who_looked(client: Client) -> None:
    alder = make_tenant("Alder")
    site = make_site(alder, "Alder house")
    client.force_login(make_operator())
    client.get(f"{SITES}{site.pk}/change/")

    client.force_login(make_member(alder))
    page = client.get("/admin/tenants/auditentry/", {"q": "devices.site.viewed"}).content.decode()

    assert "Alder house" in page
    assert "olga" in page


def test_a_list_of_people_is_told_to_those_they_work_for(client: Client) -> None:
    alder = make_tenant("Alder")
    make_member(alder, "ann")
    client.force_login(make_operator())

    client.get("/admin/tenants/user/")

    assert [row[0] for row in _rows("tenants.user.listed")] == [alder.pk]


def test_a_later_look_is_another_one(monkeypatch: pytest.MonkeyPatch) -> None:
    site, olga = make_site(make_tenant("Alder")), make_operator()
    with platform_scope("test"):
        looks.note_object(olga, site)
        later = timezone.now() + looks.ONE_LOOK + timedelta(seconds=1)
        monkeypatch.setattr("django.utils.timezone.now", lambda: later)
        looks.note_object(olga, site)

    assert len(_rows("devices.site.viewed")) == 2


def test_two_people_are_two_looks() -> None:
    site, olga = make_site(make_tenant("Alder")), make_operator()
    root = make_superuser()
    with platform_scope("test"):
        looks.note_object(olga, site)
        looks.note_object(root, site)

    assert [row[1] for row in _rows("devices.site.viewed")] == ["olga", "root"]


def test_what_everybody_may_know_is_not_noted(client: Client) -> None:
    household = make_household("Alder")
    client.force_login(make_operator())

    client.get("/admin/devices/devicetype/")
    client.get(f"/admin/devices/devicetype/{household.device.device_type_id}/change/")
    client.get("/admin/tenants/tenant/")

    with platform_scope("test"):
        assert not AuditEntry.objects.filter(action__endswith="ed", actor_name="olga").exists()


def test_the_pages_of_the_portal_are_looks_too(client: Client, redis_url: str) -> None:
    household = make_household("Alder")
    client.force_login(make_operator())

    for _ in range(2):
        assert client.get(f"/admin/links/{household.link.pk}/conversation/").status_code == 200

    assert [row[0] for row in _rows("portal.conversation.viewed")] == [household.tenant.pk]


def test_an_empty_list_is_no_look(client: Client) -> None:
    make_tenant("Alder", Tenant.Kind.PROVIDER)
    client.force_login(make_operator())

    assert client.get(SITES).status_code == 200

    assert not _rows("devices.site.listed")
