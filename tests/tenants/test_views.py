from __future__ import annotations

import pytest
from django.test import Client

from tenants.models import Membership, Tenant, User
from tenants.services import create_membership, end_membership
from tests.support.registry import audited, make_customer, make_member, make_site, make_tenant

pytestmark = pytest.mark.django_db

SITES = "/admin/devices/site/"
SWITCH = "/admin/switch-tenant/"


def _ann_of_two() -> tuple[User, Tenant, Tenant]:
    """A member of Alder, who lives in a house of Birch's."""
    alder, birch = make_tenant("Alder"), make_tenant("Birch")
    make_site(alder, "Alder house")
    smiths = make_customer(birch, "Smiths")
    make_site(birch, "Smiths house", household=smiths)
    make_site(birch, "Joneses house", household=make_customer(birch, "Joneses"))
    ann = make_member(alder, "ann")
    create_membership(user=ann, tenant=birch, role=Membership.Role.RESIDENT, household=smiths)
    return ann, alder, birch


@pytest.mark.parametrize("path", [SITES, f"{SITES}add/", "/admin/", "/admin/devices/", "/admin/sessions/"])
def test_each_page_says_for_whom_one_acts_and_what_else_there_is(client: Client, path: str) -> None:
    ann, alder, birch = _ann_of_two()
    client.force_login(ann)

    page = client.get(path).content.decode()

    assert f"Acting for <strong>{alder}</strong>" in page
    assert f'value="{birch.pk}"' in page
    assert ("Alder house" in page) is (path == SITES)
    assert "Smiths" not in page


def test_who_switches_sees_what_is_the_others_alone_and_leaves_a_trace(client: Client) -> None:
    ann, alder, birch = _ann_of_two()
    client.force_login(ann)
    key = client.session.session_key

    response = client.post(SWITCH, {"tenant_id": str(birch.pk), "next": "https://elsewhere.example/"})

    assert (response.status_code, response["Location"]) == (302, "/admin/")
    assert client.session.session_key != key
    page = client.get(SITES).content.decode()
    assert "Smiths house" in page
    assert "Joneses house" not in page
    assert "Alder house" not in page
    (entry,) = audited("tenants.membership.chosen")
    assert (entry["tenant_id"], entry["actor_name"]) == (birch.pk, "ann")
    client.post(SWITCH, {"tenant_id": str(alder.pk)})
    assert "Alder house" in client.get(SITES).content.decode()


def test_a_form_that_was_opened_for_one_tenant_writes_nothing_for_another() -> None:
    ann, _, _ = _ann_of_two()
    cedar = make_tenant("Cedar")
    create_membership(user=ann, tenant=cedar)
    client = Client(enforce_csrf_checks=True)
    client.force_login(ann)
    token = str(client.get(f"{SITES}add/").context["csrf_token"])
    assert client.post(SWITCH, {"tenant_id": str(cedar.pk), "csrfmiddlewaretoken": token}).status_code == 302

    values = {"name": "Alder annex", "timezone": "UTC", "fuse_limit_w": 1000, "csrfmiddlewaretoken": token}
    response = client.post(f"{SITES}add/", values)

    assert response.status_code == 403
    assert [row["tenant_id"] for row in audited("devices.site.created")].count(cedar.pk) == 0


def test_what_was_meant_for_a_tenant_that_one_has_left_is_not_written_for_another(client: Client) -> None:
    ann, alder, _ = _ann_of_two()
    cedar = make_tenant("Cedar")
    membership = create_membership(user=ann, tenant=cedar)
    client.force_login(ann)
    client.post(SWITCH, {"tenant_id": str(cedar.pk)})
    end_membership(membership)

    values = {"name": "Cedar annex", "timezone": "UTC", "fuse_limit_w": 1000}
    response = client.post(f"{SITES}add/", values)

    assert (response.status_code, response["Location"]) == (302, "/admin/")
    assert "Cedar annex" not in str(audited("devices.site.created"))
    assert client.post(f"{SITES}add/", values | {"name": "Alder annex"}).status_code == 302
    assert audited("devices.site.created")[-1]["tenant_id"] == alder.pk


def test_nor_where_that_was_the_one_that_a_person_begins_with(client: Client) -> None:
    alder = make_tenant("Alder")
    ann = make_member(alder, "ann")
    first = ann.membership
    create_membership(user=ann, tenant=make_tenant("Cedar"))
    client.force_login(ann)
    client.get(f"{SITES}add/")
    assert first is not None
    end_membership(first)

    response = client.post(f"{SITES}add/", {"name": "Alder annex", "timezone": "UTC", "fuse_limit_w": 1000})

    assert (response.status_code, response["Location"]) == (302, "/admin/")
    assert audited("devices.site.created") == []


def test_nobody_switches_to_what_is_not_theirs_or_by_a_link(client: Client) -> None:
    ann, alder, birch = _ann_of_two()
    ash = make_tenant("Ash")
    client.force_login(ann)

    assert client.post(SWITCH, {"tenant_id": str(ash.pk)}).status_code == 404
    assert client.post(SWITCH, {"tenant_id": "x"}).status_code == 404
    assert client.get(SWITCH, {"tenant_id": str(birch.pk)}).status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(ann)
    assert strict.post(SWITCH, {"tenant_id": str(birch.pk)}).status_code == 403
    assert client.session.get("tenant_id") in (None, str(alder.pk))
    assert f"Acting for <strong>{alder}</strong>" in client.get(SITES).content.decode()


def test_who_is_not_signed_in_is_sent_to_do_so(client: Client) -> None:
    assert client.post(SWITCH, {}).status_code == 302
