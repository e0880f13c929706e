"""One cast for each module, in one transaction that is rolled back; what a test changes is undone after it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.db import connections, transaction
from django.db.models import AutoField
from django.test import Client
from pytest_django import DjangoDbBlocker

from flexhub.bus import SeatInfo
from flexhub.bus.memory import MemoryGatewayBus, MemoryWorkerBus
from flexhub.bus.memory_store import MemoryStore
from tenants import quotas
from tenants.rls import protected_models
from tests.isolation.cast import AT, FIRST_NUMBER, Cast, Person, make_cast


@pytest.fixture(scope="session")
def long_numbers(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """Keys that are numbers get ten digits: a short one would be found in any page."""
    with django_db_blocker.unblock(), connections["owner"].cursor() as cursor:
        for model in protected_models():
            if isinstance(model._meta.pk, AutoField):
                sequence = f"pg_get_serial_sequence('{model._meta.db_table}', 'id')"
                cursor.execute(f"SELECT setval({sequence}, greatest(nextval({sequence}), {FIRST_NUMBER}))")
        connections["owner"].close()


@pytest.fixture(scope="module")
def cast(long_numbers: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Cast]:
    with django_db_blocker.unblock(), transaction.atomic(), pytest.MonkeyPatch.context() as patch:
        # What a page says once is said in the session, which is undone like the rest, and not in a cookie.
        patch.setattr(settings, "MESSAGE_STORAGE", "django.contrib.messages.storage.session.SessionStorage")
        # What processes keep in mind is there from the beginning, and stays.
        patch.setattr(quotas, "REMEMBERED_S", 3600.0)
        ContentType.objects.get_for_models(*apps.get_models())
        cast = make_cast()
        for tenant_id in {person.user.tenant.pk for person in cast.people if person.user.tenant}:
            quotas.of(tenant_id)
        yield cast
        transaction.set_rollback(True)


@pytest.fixture(scope="module")
def clients(cast: Cast) -> list[tuple[Person, Client]]:
    """A browser for each of those who try, which has been here before.

    A first request stores in the session for whom a person acts; each test would undo that, and each request do it.
    """
    browsers = []
    for person in cast.people:
        browser = Client()
        browser.force_login(person.user)
        assert browser.get("/admin/").status_code < 500
        browsers.append((person, browser))
    return browsers


@pytest.fixture(scope="module")
def traces(clients: list[tuple[Person, Client]], cast: Cast) -> dict[str, str]:
    return cast.traces()


@pytest.fixture(autouse=True)
def undone(cast: Cast, traces: dict[str, str]) -> Iterator[None]:
    with transaction.atomic():
        yield
        assert cast.traces() == traces, "somebody changed what is not theirs"
        transaction.set_rollback(True)


@pytest.fixture(scope="module")
def bus(cast: Cast) -> Iterator[MemoryWorkerBus]:
    """The Smiths' device has a session, which pages would show to its owners."""
    store = MemoryStore()
    gateway = MemoryGatewayBus(store)
    link, site, tenant = (cast.row(label) for label in ("devices.Link", "devices.Site", "tenants.Tenant"))
    node = cast.row("devices.Node")
    seat = SeatInfo(
        link_id=link.pk, tenant_id=tenant.pk, site_id=site.pk, node_id=node.pk, name="Smith battery", since=AT
    )
    asyncio.run(gateway.register("gateway-1"))
    asyncio.run(gateway.claim_seat(seat))
    worker = MemoryWorkerBus(store)
    with pytest.MonkeyPatch.context() as patch:
        for module in ("views", "dashboard"):
            patch.setattr(f"flexhub.portal.{module}.connect_worker", lambda url: worker)
        yield worker
