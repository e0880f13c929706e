from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, models, transaction
from django.db.migrations.state import ModelState, ProjectState
from django.db.utils import IntegrityError, ProgrammingError

from tenants.constraints import AppendOnly, CompositeReference
from tenants.scope import platform_scope, tenant_scope
from tests.support.registry import make_household, make_tenant, query


def _refused(constraint: str) -> pytest.RaisesExc[IntegrityError]:
    return pytest.raises(IntegrityError, match=constraint)


@pytest.mark.django_db
def test_refuses_a_row_that_refers_to_another_tenants_row() -> None:
    alder, birch = make_household("Alder"), make_household("Birch")
    statement = (
        "INSERT INTO devices_node (id, tenant_id, site_id, role, hosted, name) VALUES (%s, %s, %s, 'RM', false, 'x')"
    )

    with _refused("node_site_same_tenant"), tenant_scope(birch.tenant.pk):
        query(statement, uuid4(), birch.tenant.pk, alder.site.pk)
        query("SET CONSTRAINTS ALL IMMEDIATE")


@pytest.mark.django_db
@pytest.mark.parametrize("statement", ["UPDATE tenants_auditentry SET action = 'x'", "DELETE FROM tenants_auditentry"])
def test_refuses_to_rewrite_the_audit_trail(statement: str) -> None:
    make_tenant("Alder")

    with pytest.raises(ProgrammingError, match="permission denied"), platform_scope("test"):
        query(statement)


@pytest.mark.django_db
def test_refuses_to_rewrite_an_append_only_table_whatever_the_privileges(db: None) -> None:
    query("CREATE TEMPORARY TABLE leaf (id bigint) ON COMMIT DROP")
    query("INSERT INTO leaf VALUES (1)")
    query(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON leaf FOR EACH ROW"
        " EXECUTE FUNCTION tenants_auditentry_refuse_change()"
    )

    for statement in ("UPDATE leaf SET id = 2", "DELETE FROM leaf"):
        with pytest.raises(ProgrammingError, match="append-only"), transaction.atomic():
            query(statement)


def test_operations_write_themselves_into_a_migration() -> None:
    reference = CompositeReference("Leaf", "leaf_of_tree", fields=["tree"], to="woods.Tree", to_fields=["id"])
    append_only = AppendOnly("Leaf")

    for operation in (reference, append_only):
        name, args, kwargs = operation.deconstruct()
        assert name == type(operation).__name__
        assert type(operation)(*args, **kwargs).deconstruct() == operation.deconstruct()
    assert reference.describe() == "Reference leaf_of_tree of Leaf to woods.Tree"
    assert append_only.describe() == "Leaf is append-only"


@pytest.mark.django_db
def test_a_composite_reference_goes_forwards_and_backwards() -> None:
    """On temporary tables, which the application role may own."""
    state = ProjectState()
    for name in ("Tree", "Leaf"):
        fields: dict[str, models.Field[Any, Any]] = {
            "id": models.BigAutoField(primary_key=True),
            "kind": models.TextField(),
        }
        state.add_model(ModelState("tenants", name, fields, {"db_table": name.lower()}))
    query("CREATE TEMPORARY TABLE tree (id bigint, kind text, UNIQUE (id, kind)) ON COMMIT DROP")
    query("CREATE TEMPORARY TABLE leaf (id bigint, kind text) ON COMMIT DROP")
    query("INSERT INTO tree VALUES (1, 'oak')")
    operation = CompositeReference(
        "Leaf", "leaf_like_tree", fields=["id", "kind"], to="tenants.Tree", to_fields=["id", "kind"]
    )

    with connection.schema_editor(atomic=False) as editor:
        operation.database_forwards("tenants", editor, state, state)
    query("INSERT INTO leaf VALUES (1, 'oak')")
    with _refused("leaf_like_tree"), transaction.atomic():
        query("INSERT INTO leaf VALUES (1, 'elm')")
        query("SET CONSTRAINTS ALL IMMEDIATE")

    query("SET CONSTRAINTS ALL IMMEDIATE")
    with connection.schema_editor(atomic=False) as editor:
        operation.database_backwards("tenants", editor, state, state)
    query("INSERT INTO leaf VALUES (1, 'elm')")
