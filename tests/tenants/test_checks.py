"""The system checks find a model without row-level security."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import models
from django.test.utils import isolate_apps

from tenants import checks
from tenants.models import Tenant
from tenants.rls import protected_models
from tests.support.registry import query


def _forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if an app had one more model, whose table nobody has protected."""
    with isolate_apps("tenants"):

        class Leaf(models.Model):
            tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")

            class Meta:
                app_label = "tenants"
                db_table = "leaf"

    monkeypatch.setattr(checks, "protected_models", lambda: [*protected_models(), Leaf])


def test_every_model_of_ours_is_protected_by_a_migration() -> None:
    assert checks.check_migrations() == []


def test_finds_a_model_that_no_migration_protects(monkeypatch: pytest.MonkeyPatch) -> None:
    _forgotten(monkeypatch)

    (error,) = checks.check_migrations()

    assert (error.id, error.msg.split()[0]) == ("tenants.E001", "tenants.Leaf")
    with pytest.raises(SystemCheckError, match=r"tenants\.Leaf holds rows"):
        call_command("check")
    assert checks.check_migrations(app_configs=[apps.get_app_config("devices")]) == []


@pytest.mark.django_db
def test_every_table_and_partition_is_protected_in_the_database() -> None:
    query("SELECT telemetry_ensure_partition('2026-04-21')")

    assert checks.check_tables(databases=["default"]) == []
    assert checks.check_tables() == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("statements", "faults"),
    [
        ([], 5),
        (["ENABLE ROW LEVEL SECURITY"], 4),
        (["ENABLE ROW LEVEL SECURITY", "FORCE ROW LEVEL SECURITY"], 3),
    ],
)
def test_finds_an_open_table(monkeypatch: pytest.MonkeyPatch, statements: list[str], faults: int) -> None:
    _forgotten(monkeypatch)
    query("CREATE TEMPORARY TABLE leaf (id bigint, tenant_id uuid) ON COMMIT DROP")
    for statement in statements:
        query(f"ALTER TABLE leaf {statement}")

    errors = checks.check_tables(databases=["default"])

    assert {(error.id, error.obj._meta.label) for error in errors} == {("tenants.E002", "tenants.Leaf")}
    assert len(errors) == faults
    with pytest.raises(SystemCheckError, match="The table leaf is open"):
        call_command("check", databases=["default"])


@pytest.mark.django_db
def test_finds_a_partition_that_somebody_made_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    _forgotten(monkeypatch)
    query("CREATE TEMPORARY TABLE leaf (id bigint, tenant_id uuid) PARTITION BY RANGE (id) ON COMMIT DROP")
    query("CREATE TEMPORARY TABLE leaf_1 PARTITION OF leaf FOR VALUES FROM (1) TO (2)")

    errors = checks.check_tables(databases=["default"])

    assert {error.msg.split()[2] for error in errors} == {"leaf", "leaf_1"}


@pytest.mark.django_db
def test_waits_for_a_migration_that_has_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    _forgotten(monkeypatch)
    query("CREATE TEMPORARY TABLE leaf (id bigint, tenant_id uuid) ON COMMIT DROP")
    real = checks._labels
    pending: Any = lambda on_disk, *kinds: real(on_disk, *kinds) | {"tenants.leaf"}  # noqa: E731
    monkeypatch.setattr(checks, "_labels", pending)

    assert checks.check_tables(databases=["default"]) == []
