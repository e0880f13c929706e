"""What PostgreSQL itself enforces, for every model of every installed app that belongs to a tenant."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db import connection, migrations, models, transaction
from django.db.migrations.state import ModelState, ProjectState
from django.db.models import Model
from django.db.utils import DataError

from flexhub.devices.models import DeviceType, Site
from tenants.models import APIAccessToken, APIClient, AuditEntry, Membership, Tenant
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
from tests.support.registry import (
    make_tenant,
    query,
)

OWNED = sorted(owned_models(), key=lambda model: model._meta.label)
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
