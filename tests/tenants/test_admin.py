from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.test import Client
from django.utils import timezone

from flexhub.devices.support import grant_support
from flexhub.pairing.dialled import create_dialled_end
from tenants.models import APIClient, APIClientSecret, AuditEntry, Household, Membership, Retention, Tenant, User
from tenants.scope import platform_scope, tenant_scope
from tenants.services import create_api_client, create_membership
from tests.support.programs import make_program
from tests.support.registry import (
    audited,
    give_quotas,
    make_customer,
    make_household,
    make_member,
    make_operator,
    make_resident,
    make_stranger,
    make_tenant,
)

pytestmark = pytest.mark.django_db

NOT_ADDED = (APIClientSecret, AuditEntry, Membership)
OURS = [model for model in admin.site._registry if model._meta.app_label in {"tenants", "devices", "pairing"}]


def _url(model: type[Model], page: str = "") -> str:
    return f"/admin/{model._meta.app_label}/{model._meta.model_name}/{page}"


def test_every_page_opens_for_an_operator(client: Client) -> None:
    household = make_household("Alder")
    make_program(household.tenant)
    make_customer(household.tenant, "Smiths")
    create_dialled_end(link=household.link, role="RM", url="wss://ems.example/s2", token="secret")
    give_quotas(household.tenant, devices=10)
    grant_support(household.device, ends_at=timezone.now() + timedelta(days=1))
    client.force_login(make_operator())
    with platform_scope("test"):
        Retention.objects.create(tenant=household.tenant)
        keys = {model: model._default_manager.order_by("pk").values_list("pk", flat=True)[0] for model in OURS}

    for model, key in keys.items():
        for page in ("", "?q=Alder", f"{key}/change/", f"{key}/history/", "add/"):
            expected = 403 if page == "add/" and model in NOT_ADDED else 200
            answer = client.get(_url(model, page), follow=page.endswith("/history/"))
            assert answer.status_code == expected, _url(model, page)


def test_changes_are_written_to_the_audit_trail_alone(client: Client) -> None:
    """Django's own log of the admin has no tenant, so no policy could protect the names in it."""
    client.force_login(make_operator())

    client.post(_url(Tenant, "add/"), {"name": "Alder", "kind": "PROVIDER"})
    with platform_scope("test"):
        alder = Tenant.objects.get(name="Alder")
    client.post(_url(Tenant, f"{alder.pk}/change/"), {"name": "Alders", "kind": "PROVIDER"})

    assert audited("tenants.tenant.created")
    assert audited("tenants.tenant.changed")
    with platform_scope("test"):
        assert not LogEntry.objects.exists()


@pytest.mark.parametrize("kind", Tenant.Kind)
def test_the_index_opens_for_every_kind_of_tenant(client: Client, kind: Tenant.Kind) -> None:
    client.force_login(make_member(make_tenant("Birch", kind)))

    assert client.get("/admin/").status_code == 200


def test_an_operator_adds_a_person_who_then_works_for_a_tenant(client: Client) -> None:
    alder = make_tenant("Alder")
    client.force_login(make_operator())
    form = {
        "username": "ann",
        "usable_password": "true",
        "password1": "a long and odd one",
        "password2": "a long and odd one",
        "memberships-TOTAL_FORMS": "1",
        "memberships-INITIAL_FORMS": "0",
        "memberships-0-tenant": str(alder.pk),
        "memberships-0-role": "MEMBER",
    }

    response = client.post(_url(User, "add/"), form)

    assert response.status_code == 302, response.context["errors"]
    ann = User.objects.get_by_natural_key("ann")
    assert (ann.is_staff, ann.tenant) == (True, alder)
    assert audited("tenants.membership.created")[-1]["tenant_id"] == alder.pk
    assert audited("tenants.user.created")[-1]["object_name"] == "ann"


def test_who_moves_or_ends_a_membership_leaves_a_trace_of_what_it_was(client: Client) -> None:
    alder, birch = make_tenant("Alder"), make_tenant("Birch")
    ann = make_member(alder, "ann")
    with platform_scope("test"):
        membership = Membership.objects.get(user=ann)
    client.force_login(make_operator())
    form = {
        "username": "ann",
        "memberships-TOTAL_FORMS": "1",
        "memberships-INITIAL_FORMS": "1",
        "memberships-0-id": str(membership.pk),
        "memberships-0-user": str(ann.pk),
        "memberships-0-tenant": str(birch.pk),
        "memberships-0-role": "ADMIN",
    }

    client.post(_url(User, f"{ann.pk}/change/"), form)
    client.post(_url(User, f"{ann.pk}/change/"), form | {"memberships-0-DELETE": "on"})

    (moved,), (ended,) = audited("tenants.membership.changed"), audited("tenants.membership.deleted")
    assert (moved["before"], moved["after"]) == ({"tenant_id": str(alder.pk)}, {"tenant_id": str(birch.pk)})
    assert (ended["object_id"], ended["before"]["tenant_id"]) == (str(membership.pk), str(birch.pk))


def test_a_new_password_leaves_a_trace(client: Client) -> None:
    ann = make_member(make_tenant("Alder"), "ann")
    client.force_login(make_operator())
    form = {"usable_password": "true", "password1": "a long and odd one", "password2": "a long and odd one"}

    response = client.post(_url(User, f"{ann.pk}/password/"), form)

    assert response.status_code == 302
    (entry,) = audited("tenants.user.password_changed")
    assert (entry["actor_name"], entry["object_name"], entry["after"]) == ("olga", "ann", None)


def test_people_of_a_provider_see_no_users_and_no_tenants(client: Client) -> None:
    client.force_login(make_member(make_tenant("Alder")))

    for model in (User, Tenant):
        assert client.get(_url(model)).status_code == 403


def test_changes_and_deletions_leave_audit_rows(client: Client) -> None:
    alder = make_tenant("Alder")
    api_client = create_api_client(tenant=alder, name="portal")
    client.force_login(make_member(alder, "ann"))

    client.post(_url(APIClient, f"{api_client.pk}/change/"), {"name": "gate"})
    client.post(_url(APIClient, f"{api_client.pk}/change/"), {"name": "gate"})

    (changed,) = audited("tenants.apiclient.changed")
    assert (changed["before"], changed["after"]) == (
        {"name": "portal", "is_active": True},
        {"name": "gate", "is_active": False},
    )

    client.post(_url(APIClient, f"{api_client.pk}/delete/"), {"post": "yes"})
    client.post(
        _url(APIClient),
        {
            "action": "delete_selected",
            "post": "yes",
            "_selected_action": [str(create_api_client(tenant=alder, name="other").pk)],
        },
    )

    assert [entry["object_name"] for entry in audited("tenants.apiclient.deleted")] == ["gate", "other"]
    with platform_scope("test"):
        assert not APIClient.objects.exists()


def test_an_operator_says_whose_a_new_row_is_and_cannot_move_it(client: Client) -> None:
    alder, birch = make_tenant("Alder"), make_tenant("Birch")
    client.force_login(make_operator())

    client.post(_url(APIClient, "add/"), {"tenant": str(alder.pk), "name": "portal", "is_active": "on"})
    with tenant_scope(alder.pk):
        api_client = APIClient.objects.get()
    client.post(_url(APIClient, f"{api_client.pk}/change/"), {"tenant": str(birch.pk), "name": "portal"})

    with platform_scope("test"):
        assert APIClient.objects.get().tenant == alder


def test_others_cannot_say_whose_a_new_row_is(client: Client) -> None:
    alder, birch = make_tenant("Alder"), make_tenant("Birch")
    client.force_login(make_member(birch))

    client.post(_url(APIClient, "add/"), {"tenant": str(alder.pk), "name": "portal"})

    with platform_scope("test"):
        assert APIClient.objects.get().tenant == birch


def test_the_trail_cannot_be_edited_and_shows_a_tenant_its_own(client: Client) -> None:
    alder, birch = make_tenant("Alder"), make_tenant("Birch")
    create_api_client(tenant=alder, name="secret plan")
    client.force_login(make_member(birch))
    with tenant_scope(birch.pk):
        entry = AuditEntry.objects.first()
    assert entry is not None

    page = client.get(_url(AuditEntry)).content.decode()
    assert "tenants.user.created" in page
    assert "secret plan" not in page
    assert client.post(_url(AuditEntry, f"{entry.pk}/change/"), {}).status_code == 403
    assert client.post(_url(AuditEntry, f"{entry.pk}/delete/"), {"post": "yes"}).status_code == 403


def test_who_works_for_nobody_sees_an_empty_admin(client: Client) -> None:
    client.force_login(make_stranger())

    assert client.get("/admin/").status_code == 200
    assert client.get(_url(APIClient)).status_code == 403
    with platform_scope("test"):
        assert not Membership.objects.exists()


def test_an_admin_looks_after_the_people_of_their_own_tenant(client: Client) -> None:
    alder, birch = make_tenant("Alder"), make_tenant("Birch")
    smiths = make_customer(alder, "Smiths")
    ann, bob = make_member(alder, "ann"), make_member(alder, "bob", Membership.Role.MEMBER)
    make_resident(smiths, "rose")
    create_membership(user=bob, tenant=birch)
    client.force_login(ann)
    with tenant_scope(alder.pk):
        own, bobs = Membership.objects.get(user=ann), Membership.objects.get(user=bob)

    page = client.get(_url(Membership)).content.decode()
    assert all(name in page for name in ("ann", "bob", "rose", "Smiths"))
    client.post(_url(Membership, f"{bobs.pk}/change/"), {"role": "RESIDENT", "household": str(smiths.pk)})
    (changed,) = audited("tenants.membership.changed")
    assert changed["after"] == {"role": "RESIDENT", "household_id": str(smiths.pk)}
    refused = client.post(_url(Membership, f"{bobs.pk}/change/"), {"role": "ADMIN", "household": str(smiths.pk)})
    assert "nobody else does" in refused.content.decode()
    assert client.post(_url(Membership, f"{own.pk}/change/"), {"role": "MEMBER"}).status_code == 403
    assert client.post(_url(Membership, f"{own.pk}/delete/"), {"post": "yes"}).status_code == 403

    client.post(_url(Membership, f"{bobs.pk}/delete/"), {"post": "yes"})

    bob.forget_memberships()
    assert [each.tenant for each in bob.all_memberships] == [birch]


@pytest.mark.parametrize("act", ["change", "delete"])
def test_of_two_admins_who_end_each_other_one_is_left(client: Client, act: str) -> None:
    """Ann's request began while she was an admin, and had to wait for Bob's."""
    alder = make_tenant("Alder")
    ann, bob = make_member(alder, "ann"), make_member(alder, "bob")
    page = admin.site.get_model_admin(Membership)
    client.force_login(ann)
    with tenant_scope(alder.pk):
        bobs = Membership.objects.get(user=bob)
    with pytest.MonkeyPatch.context() as patch:
        ended_meanwhile = _after_asking(Membership.objects.filter(user=ann))
        patch.setattr(page, f"has_{act}_permission", ended_meanwhile)
        response = client.post(_url(Membership, f"{bobs.pk}/{act}/"), {"post": "yes", "role": "MEMBER"})

    assert response.status_code == 403
    with tenant_scope(alder.pk):
        bobs.refresh_from_db()
    assert bobs.role == Membership.Role.ADMIN


def _after_asking(rows: QuerySet[Membership]) -> Callable[..., bool]:
    def allowed(request: HttpRequest, obj: Any = None) -> bool:
        with platform_scope("test"):
            rows.update(role=Membership.Role.MEMBER)
        return True

    return allowed


def test_a_member_looks_after_neither_people_nor_programs(client: Client) -> None:
    client.force_login(make_member(make_tenant("Alder"), role=Membership.Role.MEMBER))

    for model in (Membership, APIClient, AuditEntry):
        assert client.get(_url(model)).status_code == 403


def test_a_provider_adds_a_household(client: Client) -> None:
    alder = make_tenant("Alder")
    client.force_login(make_member(alder))

    assert client.post(_url(Household, "add/"), {"name": "Smiths"}).status_code == 302

    assert audited("tenants.household.created")[0]["tenant_id"] == alder.pk
