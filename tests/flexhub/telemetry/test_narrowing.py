"""The policies for households on partitions that were there before, and after the migration was undone once."""

from __future__ import annotations

import pytest
from django.db import connections
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

from flexhub.telemetry.partitions import narrow_for_households, widen_for_households
from tenants.rls import HOUSEHOLD_DELETE_POLICY, HOUSEHOLD_POLICY, POLICY

PARTITION = "telemetry_measurement_20260422"
NO_MODELS = StateApps([], {})
NARROW = {POLICY, HOUSEHOLD_POLICY, HOUSEHOLD_DELETE_POLICY}


@pytest.fixture
def owner(db: None) -> BaseDatabaseSchemaEditor:
    """Of the role that migrates."""
    editor = connections["owner"].schema_editor()
    with editor.connection.cursor() as cursor:
        cursor.execute("SELECT telemetry_ensure_partition('2026-04-22')")
    return editor


def policies(editor: BaseDatabaseSchemaEditor) -> set[str]:
    with editor.connection.cursor() as cursor:
        cursor.execute("SELECT policyname FROM pg_policies WHERE tablename = %s", [PARTITION])
        return {name for (name,) in cursor.fetchall()}


@pytest.mark.django_db(databases=["default", "owner"])
def test_narrows_each_partition_whether_it_is_narrow_or_not(owner: BaseDatabaseSchemaEditor) -> None:
    assert policies(owner) == NARROW

    narrow_for_households(NO_MODELS, owner)
    assert policies(owner) == NARROW

    widen_for_households(NO_MODELS, owner)
    assert policies(owner) == {POLICY}

    narrow_for_households(NO_MODELS, owner)
    assert policies(owner) == NARROW
