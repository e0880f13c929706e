"""What PostgreSQL shows each of two tenants of the rows of both."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import transaction
from django.db.models import Model
from django.db.utils import ProgrammingError
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from flexhub.devices.models import DeviceType
from flexhub.devices.support import grant_support
from flexhub.pairing.dialled import create_dialled_end
from tenants.models import AuditEntry, Erasure, Quota, Retention, Tenant
from tenants.rls import owned_models
from tenants.scope import platform_scope, tenant_scope
from tests.support.programs import make_program
from tests.support.registry import (
    give_quotas,
    make_customer,
    make_device_type,
    make_household,
    make_member,
    query,
)

# Of these the cast has rows; `make_household` and the fixture below bring them.
WITH_ROWS = [
    model
    for model in sorted(owned_models(), key=lambda model: model._meta.label)
    if model._meta.app_label in {"tenants", "devices", "pairing"}
]


def _label(model: type[Model]) -> str:
    return model._meta.label


def _owner_column(model: type[Model]) -> str:
    return "id" if model is Tenant else "tenant_id"


@pytest.fixture(scope="module")
def cast(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[tuple[UUID, UUID]]:
    """Alder and Birch, each with rows in every table of ours. All tests look at the same, since none keeps a change."""
    with django_db_blocker.unblock(), transaction.atomic():
        alder, birch = make_household("Alder"), make_household("Birch")
        for household in (alder, birch):
            make_member(household.tenant)
            make_customer(household.tenant, "Smiths")
            make_program(household.tenant).access_token("pools:read")
            make_device_type(household.tenant)
            with tenant_scope(household.tenant.pk):
                Retention.objects.create(tenant=household.tenant)
                now = timezone.now()
                Erasure.objects.create(tenant=household.tenant, household_id=uuid4(), requested_at=now, finished_at=now)
            give_quotas(household.tenant, devices=10)
            create_dialled_end(link=household.link, role="RM", url="wss://devices.example", token="geheim")
            grant_support(household.device, ends_at=timezone.now() + timedelta(days=1))
        yield alder.tenant.pk, birch.tenant.pk
        transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def _undone(cast: tuple[UUID, UUID]) -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.mark.parametrize("model", [m for m in WITH_ROWS if m is not DeviceType], ids=_label)
def test_hides_rows_of_others(model: type[Model], cast: tuple[UUID, UUID]) -> None:
    alder, birch = cast
    table, column = model._meta.db_table, _owner_column(model)

    assert query(f"SELECT 1 FROM {table}") == []
    with platform_scope("test"):
        assert query(f"SELECT 1 FROM {table} WHERE {column} = %s", alder)
    with tenant_scope(birch):
        assert query(f"SELECT 1 FROM {table} WHERE {column} = %s", alder) == []
        assert not model._default_manager.filter(**{f"{column}": alder}).exists()
        assert query(f"SELECT 1 FROM {table} WHERE {column} = %s", birch)


@pytest.mark.parametrize("model", [m for m in WITH_ROWS if m is not AuditEntry], ids=_label)
def test_refuses_to_change_rows_of_others(model: type[Model], cast: tuple[UUID, UUID]) -> None:
    alder, birch = cast
    table, column = model._meta.db_table, _owner_column(model)

    with tenant_scope(birch):
        assert query(f"DELETE FROM {table} WHERE {column} = %s RETURNING 1", alder) == []
        assert query(f"UPDATE {table} SET {column} = %s WHERE {column} = %s RETURNING 1", birch, alder) == []
    with platform_scope("test"):
        assert query(f"SELECT 1 FROM {table} WHERE {column} = %s", alder)


@pytest.mark.parametrize("model", [m for m in WITH_ROWS if m not in (AuditEntry, Quota)], ids=_label)
def test_refuses_to_give_rows_to_others(model: type[Model], cast: tuple[UUID, UUID]) -> None:
    alder, birch = cast
    table, column = model._meta.db_table, _owner_column(model)

    with tenant_scope(birch), pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
        query(f"UPDATE {table} SET {column} = %s WHERE {column} = %s", alder, birch)


def test_refuses_new_rows_for_others(cast: tuple[UUID, UUID]) -> None:
    alder, birch = cast
    statement = (
        "INSERT INTO devices_site (id, tenant_id, name, timezone, fuse_limit_w) VALUES (%s, %s, 'Shed', 'UTC', 1000)"
    )

    for scope in (tenant_scope(birch), transaction.atomic()):
        with pytest.raises(ProgrammingError, match="row-level security"), scope:
            query(statement, uuid4(), alder)


def test_lets_every_tenant_read_device_types_and_nobody_without_a_scope(cast: tuple[UUID, UUID]) -> None:
    alder, birch = cast

    with tenant_scope(birch):
        assert DeviceType.objects.filter(tenant_id=alder).exists()
        assert DeviceType.objects.filter(tenant_id=alder).update(brand="Mine") == 0
    assert query("SELECT count(*) FROM devices_devicetype") == [(0,)]
