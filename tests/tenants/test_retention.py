from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.db.utils import Error
from django.test import Client
from pytest_django import Settings

from tenants import audit_retention
from tenants.models import AuditEntry, Retention, Tenant
from tenants.scope import platform_scope, tenant_scope
from tests.support.registry import audited, make_operator, make_tenant, query

pytestmark = pytest.mark.django_db

RETENTION = "/admin/tenants/retention/"
_INSERT = (
    "INSERT INTO tenants_auditentry (tenant_id, at, action, object_type, object_id, object_name, actor_type, actor_id,"
    " actor_name) VALUES (%s, now() - make_interval(days => %s), 'a.b.done', 'a.b', '1', 'thing', 'system', '', '')"
)


def _old_rows(tenant: Tenant, *ages: int) -> None:
    with tenant_scope(tenant.pk):
        for age in ages:
            query(_INSERT, tenant.pk, age)


def test_forgets_the_trail_of_who_asks_for_it_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_retention, "_ROWS_AT_ONCE", 2)
    alder, birch = make_tenant("Alder"), make_tenant("Birch")
    _old_rows(alder, 380, 390, 401, 402, 403)
    _old_rows(birch, 403)
    with tenant_scope(alder.pk):
        Retention.objects.create(tenant=alder, audit_days=400)

    assert audit_retention.apply() == 3
    assert audit_retention.apply() == 0

    left = [(row["tenant_id"], row["object_name"]) for row in audited("a.b.done")]
    assert sorted(left, key=str) == sorted([(alder.pk, "thing")] * 2 + [(birch.pk, "thing")], key=str)
    assert [row["after"]["rows"] for row in audited("tenants.audit.forgotten")] == [2, 1]


@pytest.mark.parametrize(
    ("field", "days"),
    [
        ("telemetry_days", 0),
        ("telemetry_days", 31),
        ("plan_days", 8),
        ("instruction_days", 0),
        ("conversation_days", 8),
        ("audit_days", 364),
        ("audit_days", 1_000_000),
    ],
)
def test_has_bounds(settings: Settings, field: str, days: int) -> None:
    settings.TELEMETRY_RETENTION_DAYS = 30

    with pytest.raises(ValidationError) as caught:
        Retention(tenant=make_tenant("Alder"), **{field: days}).clean_fields(exclude=["tenant"])

    assert list(caught.value.message_dict) == [field]


def test_the_database_keeps_a_year_of_the_trail_as_well() -> None:
    alder = make_tenant("Alder")

    with pytest.raises(Error, match="retention_of_audit_least"), tenant_scope(alder.pk):
        Retention.objects.create(tenant=alder, audit_days=1)


def test_another_tenant_sees_nothing_of_it() -> None:
    alder, birch = make_tenant("Alder"), make_tenant("Birch")
    with tenant_scope(alder.pk):
        Retention.objects.create(tenant=alder, plan_days=1)

    with tenant_scope(birch.pk):
        assert not Retention.objects.exists()


def test_is_set_in_the_admin_with_a_trace(client: Client) -> None:
    alder = make_tenant("Alder")
    client.force_login(make_operator())

    client.post(f"{RETENTION}add/", {"tenant": str(alder.pk), "telemetry_days": "7"})
    refused = client.post(f"{RETENTION}add/", {"tenant": str(alder.pk), "telemetry_days": "8"})
    client.post(f"{RETENTION}{alder.pk}/change/", {"telemetry_days": "5"})

    assert refused.status_code == 200
    assert [row["after"]["telemetry_days"] for row in audited("tenants.retention.created")] == [7]
    assert [row["after"] for row in audited("tenants.retention.changed")] == [{"telemetry_days": 5}]
    with platform_scope("test"):
        assert AuditEntry.objects.filter(action__startswith="tenants.retention", tenant=alder).count() == 2
