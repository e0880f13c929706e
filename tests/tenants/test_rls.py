"""What PostgreSQL itself enforces, for every model of every installed app that belongs to a tenant."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.apps import apps
from django.db import connection, migrations, models, transaction
from django.db.migrations.state import ModelState, ProjectState
from django.db.models import Model
from django.db.utils import DataError, ProgrammingError
from django.utils import timezone

from flexhub.devices.models import DeviceType, Site
from flexhub.devices.support import grant_support
from flexhub.pairing.dialled import create_dialled_end
from tenants.models import APIAccessToken, APIClient, AuditEntry, Erasure, Membership, Quota, Retention, Tenant
from tenants.rls import (
    HOUSEHOLD_DELETE_POLICY,
    HOUSEHOLD_POLICY,
    POLICY,
    READ_POLICY,
    HouseholdSecurity,
    RowSecurity,
    owned_models,
    protected_models,
)
from tenants.scope import platform_scope, tenant_scope
from tests.support.programs import make_program
from tests.support.registry import (
    give_quotas,
    make_customer,
    make_device_type,
    make_household,
    make_member,
    make_tenant,
    query,
)

OWNED = sorted(owned_models(), key=lambda model: model._meta.label)
# Of these the cast has rows; `make_household` and the fixture below bring them.
WITH_ROWS = [model for model in OWNED if model._meta.app_label in {"tenants", "devices", "pairing"}]

HOUSEHOLD_POLICIES = [HOUSEHOLD_DELETE_POLICY, HOUSEHOLD_POLICY]

_TABLE_AND_PARTITIONS = """
    WITH RECURSIVE tables AS (
        SELECT %s::regclass::oid AS oid
        UNION SELECT inhrelid FROM pg_inherits JOIN tables ON inhparent = tables.oid
    )
    SELECT relname, relrowsecurity, relforcerowsecurity,
           ARRAY(SELECT pg_get_expr(polqual, polrelid) FROM pg_policy WHERE polrelid = pg_class.oid)
    FROM pg_class JOIN tables USING (oid)
"""


def _label(model: type[Model]) -> str:
    return model._meta.label


def _owner_column(model: type[Model]) -> str:
    return "id" if model is Tenant else "tenant_id"


@pytest.fixture
def cast(db: None) -> tuple[UUID, UUID]:
    """Alder and Birch, each with rows in every table of ours."""
    alder, birch = make_household("Alder"), make_household("Birch")
    for household in (alder, birch):
        make_member(household.tenant)
        make_customer(household.tenant, "Smiths")
        make_program(household.tenant).access_token("pools:read")
        make_device_type(household.tenant)
        with tenant_scope(household.tenant.pk):
            Retention.objects.create(tenant=household.tenant)
            Erasure.objects.create(
                tenant=household.tenant, household_id=uuid4(), requested_at=timezone.now(), finished_at=timezone.now()
            )
        give_quotas(household.tenant, devices=10)
        create_dialled_end(link=household.link, role="RM", url="wss://devices.example", token="geheim")
        grant_support(household.device, ends_at=timezone.now() + timedelta(days=1))
    return alder.tenant.pk, birch.tenant.pk


def test_finds_the_models_that_belong_to_tenants() -> None:
    assert {Tenant, Membership, APIClient, APIAccessToken, AuditEntry, Site, DeviceType} <= set(OWNED)


@pytest.mark.django_db
@pytest.mark.parametrize("model", OWNED, ids=_label)
def test_protects_the_table_and_its_partitions(model: type[Model]) -> None:
    found = query(_TABLE_AND_PARTITIONS, model._meta.db_table)

    for table, enabled, forced, policies in found:
        assert (enabled, forced) == (True, True), f"{table} is not protected: add RowSecurity to its migration"
        assert any("app.tenant_id" in policy for policy in policies), f"{table} has no policy by tenant"


@pytest.mark.django_db
def test_holds_for_the_role_that_the_application_connects_as() -> None:
    assert query("SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user") == [(False, False)]
    owners = query("SELECT count(*) FROM pg_class WHERE relowner = current_user::regrole AND relkind = 'r'")
    assert owners == [(0,)]


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


@pytest.mark.django_db
def test_a_setting_that_is_no_tenant_shows_no_rows_at_all() -> None:
    make_tenant("Alder")

    query("SELECT set_config('app.tenant_id', 'alder', true)")

    with pytest.raises(DataError, match="invalid input syntax for type uuid"), transaction.atomic():
        query("SELECT count(*) FROM tenants_tenant")


class TestOperation:
    """On a temporary table, which the application role may own."""

    def test_goes_forwards_and_backwards(self, db: None) -> None:
        state = ProjectState()
        state.add_model(ModelState("tenants", "Leaf", [("id", models.BigAutoField(primary_key=True))]))
        state.models["tenants", "leaf"].options["db_table"] = "leaf"
        query("CREATE TEMPORARY TABLE leaf (id bigint, tenant_id uuid) ON COMMIT DROP")
        operation = RowSecurity("Leaf", readable="id < 10")

        with connection.schema_editor(atomic=False) as editor:
            operation.database_forwards("tenants", editor, state, state)
        assert _security_of("leaf") == (True, True, [*HOUSEHOLD_POLICIES, POLICY, READ_POLICY])

        narrowing = HouseholdSecurity("tenants.Leaf", visible="id < 5")
        with connection.schema_editor(atomic=False) as editor:
            narrowing.database_forwards("tenants", editor, state, state)
            narrowing.database_backwards("tenants", editor, state, state)
        assert _security_of("leaf") == (True, True, [*HOUSEHOLD_POLICIES, POLICY, READ_POLICY])

        with connection.schema_editor(atomic=False) as editor:
            operation.database_backwards("tenants", editor, state, state)
        assert _security_of("leaf") == (False, False, [])

    @pytest.mark.parametrize(
        ("operation", "described"),
        [
            (RowSecurity("Leaf", column="owner_id", check="true", household="false"), "Row-level security on Leaf"),
            (HouseholdSecurity("Leaf", visible="true"), "What households see of Leaf"),
        ],
    )
    def test_writes_itself_into_a_migration(self, operation: RowSecurity | HouseholdSecurity, described: str) -> None:
        name, args, kwargs = operation.deconstruct()

        assert name == type(operation).__name__
        assert type(operation)(*args, **kwargs).deconstruct() == operation.deconstruct()
        assert operation.describe() == described
        assert isinstance(operation, migrations.operations.base.Operation)

    def test_knows_its_model_in_its_own_app_and_in_another(self) -> None:
        assert RowSecurity("Leaf").label("tenants") == "tenants.leaf"
        assert RowSecurity("admin.LogEntry").label("tenants") == "admin.logentry"


def test_protects_what_hangs_on_a_protected_row() -> None:
    labels = {model._meta.label for model in protected_models()}

    assert {_label(model) for model in OWNED} <= labels
    assert {"tenants.User", "tenants.User_groups", "admin.LogEntry"} <= labels
    assert not labels & {"auth.Group", "contenttypes.ContentType", "sessions.Session"}


def _security_of(table: str) -> tuple[bool, bool, list[str]]:
    (row,) = query(
        "SELECT relrowsecurity, relforcerowsecurity, ARRAY(SELECT polname::text FROM pg_policy WHERE polrelid = c.oid"
        " ORDER BY polname) FROM pg_class AS c WHERE c.oid = %s::regclass",
        table,
    )
    return row[0], row[1], row[2]


# Who is party to a row without owning it.
_COUNTERPARTS = {"devices.SupportGrant.manufacturer"}


def test_no_model_hides_its_tenant_behind_another_name() -> None:
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            points_at_tenant = isinstance(field, models.ForeignKey) and field.remote_field.model is Tenant
            label = f"{model._meta.label}.{field.name}"
            assert not points_at_tenant or field.column == "tenant_id" or label in _COUNTERPARTS, label
