from __future__ import annotations

from uuid import UUID

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore
from django.db import connections
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client, RequestFactory

from flexhub.devices.models import Site
from tenants.middleware import ACTING_FOR, TenantScopeMiddleware
from tenants.models import Tenant, User
from tenants.scope import current_household_id, current_tenant_id, in_platform_scope, platform_scope
from tenants.services import create_membership
from tests.support.registry import (
    make_customer,
    make_member,
    make_operator,
    make_resident,
    make_site,
    make_stranger,
    make_superuser,
    make_tenant,
)

SITES = "/admin/devices/site/"


def _scope_during_request(
    user: User | AnonymousUser, tenant_id: object = None, path: str = "/"
) -> tuple[UUID | None, bool]:
    seen = []

    def view(request: HttpRequest) -> HttpResponse:
        seen.append((current_tenant_id(), in_platform_scope()))
        return HttpResponse()

    request = _request(user, tenant_id, path)
    TenantScopeMiddleware(view)(request)
    return seen[0]


def _request(user: User | AnonymousUser, tenant_id: object = None, path: str = "/") -> HttpRequest:
    request = RequestFactory().get(path)
    request.user = user
    request.session = SessionStore()
    if tenant_id is not None:
        request.session[ACTING_FOR] = str(tenant_id)
    return request


@pytest.mark.django_db
def test_opens_the_scope_of_the_users_tenant() -> None:
    alder = make_tenant("Alder")

    assert _scope_during_request(make_member(alder)) == (alder.pk, False)
    assert current_tenant_id() is None


@pytest.mark.django_db
def test_opens_the_platforms_scope_for_operators_and_superusers() -> None:
    assert _scope_during_request(make_operator()) == (None, True)
    assert _scope_during_request(make_superuser()) == (None, True)


@pytest.mark.django_db
def test_opens_no_scope_for_strangers() -> None:
    assert _scope_during_request(AnonymousUser()) == (None, False)
    assert _scope_during_request(make_stranger()) == (None, False)


@pytest.mark.django_db
def test_opens_the_scope_of_the_tenant_that_the_session_names() -> None:
    operations, alder, birch = (
        make_tenant("Operations", Tenant.Kind.OPERATOR),
        make_tenant("Alder"),
        make_tenant("Birch"),
    )
    olga = make_member(operations, "olga")
    create_membership(user=olga, tenant=alder)

    assert _scope_during_request(olga) == (None, True)
    assert _scope_during_request(olga, alder.pk) == (alder.pk, False)
    assert not olga.sees_all_tenants
    assert not olga.has_perm("tenants.view_user")
    # Not one of hers: the first one counts, as without a choice.
    assert _scope_during_request(olga, birch.pk) == (None, True)


@pytest.mark.django_db
def test_opens_the_scope_of_a_residents_household() -> None:
    smiths = make_customer(make_tenant("Alder"), "Smiths")
    seen = []

    def view(request: HttpRequest) -> HttpResponse:
        seen.append((current_tenant_id(), current_household_id()))
        return HttpResponse()

    TenantScopeMiddleware(view)(_request(make_resident(smiths, "rose")))

    assert seen == [(smiths.tenant_id, smiths.pk)]


@pytest.mark.django_db
def test_opens_the_identity_scope_where_people_look_after_their_account() -> None:
    ann = make_member(make_tenant("Alder"))
    people = []

    def view(request: HttpRequest) -> HttpResponse:
        people.append((User.objects.count(), Tenant.objects.count()))
        return HttpResponse()

    for user in (ann, make_operator(), AnonymousUser()):
        TenantScopeMiddleware(view)(_request(user, path="/accounts/login/"))

    assert people == [(2, 0)] * 3


@pytest.mark.django_db
def test_undoes_what_a_view_did_before_it_raised() -> None:
    alder = make_tenant("Alder")
    error = RuntimeError()

    def view(request: HttpRequest) -> HttpResponse:
        make_site(alder)
        # Django answers for the view and tells the middleware on its way.
        middleware.process_exception(request, error)
        return HttpResponse(status=500)

    middleware = TenantScopeMiddleware(view)
    response = middleware(_request(make_member(alder)))

    assert response.status_code == 500
    with platform_scope("test"):
        assert not Site.objects.exists()


@pytest.mark.django_db
def test_shows_people_their_own_rows_in_the_admin(client: Client) -> None:
    alder, birch = make_tenant("Alder"), make_tenant("Birch")
    hidden = make_site(alder, "Alder house")
    make_site(birch, "Birch house")

    client.force_login(make_member(birch))
    page = client.get(SITES).content.decode()
    assert "Birch house" in page
    assert "Alder" not in page
    assert client.get(f"{SITES}{hidden.pk}/change/").status_code == 404

    client.force_login(make_operator())
    page = client.get(SITES).content.decode()
    assert "Birch house" in page
    assert "Alder house" in page


@pytest.mark.django_db(transaction=True)
async def test_keeps_the_scope_in_the_views_thread_under_asgi() -> None:
    birch = await sync_to_async(_people_of_two_tenants)()
    client = AsyncClient()
    await client.aforce_login(birch)

    page = (await client.get(SITES)).content.decode()

    assert "Birch house" in page
    assert "Alder" not in page
    await sync_to_async(connections.close_all)()


def _people_of_two_tenants() -> User:
    alder, birch = make_tenant("Alder"), make_tenant("Birch")
    make_site(alder, "Alder house")
    make_site(birch, "Birch house")
    return make_member(birch)
