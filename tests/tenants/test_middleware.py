from __future__ import annotations

from uuid import UUID

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import AnonymousUser
from django.db import connections
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client, RequestFactory

from flexhub.devices.models import Site
from tenants.middleware import TenantScopeMiddleware
from tenants.models import User
from tenants.scope import current_tenant_id, in_platform_scope, platform_scope
from tests.support.registry import make_member, make_operator, make_site, make_tenant

SITES = "/admin/devices/site/"


def _scope_during_request(user: User | AnonymousUser) -> tuple[UUID | None, bool]:
    seen = []

    def view(request: HttpRequest) -> HttpResponse:
        seen.append((current_tenant_id(), in_platform_scope()))
        return HttpResponse()

    request = RequestFactory().get("/")
    request.user = user
    TenantScopeMiddleware(view)(request)
    return seen[0]


@pytest.mark.django_db
def test_opens_the_scope_of_the_users_tenant() -> None:
    alder = make_tenant("Alder")

    assert _scope_during_request(make_member(alder)) == (alder.pk, False)
    assert current_tenant_id() is None


@pytest.mark.django_db
def test_opens_the_platforms_scope_for_operators_and_superusers() -> None:
    assert _scope_during_request(make_operator()) == (None, True)
    assert _scope_during_request(User.objects.create(username="root", is_superuser=True)) == (None, True)


@pytest.mark.django_db
def test_opens_no_scope_for_strangers() -> None:
    assert _scope_during_request(AnonymousUser()) == (None, False)
    assert _scope_during_request(User.objects.create(username="sam")) == (None, False)


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
    request = RequestFactory().post("/")
    request.user = make_member(alder)

    response = middleware(request)

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
    assert client.get(f"{SITES}{hidden.pk}/change/").status_code == 302

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
