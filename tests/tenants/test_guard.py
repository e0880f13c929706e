"""A query without a scope fails loudly, and nothing else does."""

from __future__ import annotations

import pytest
from django.contrib.sessions.models import Session
from django.db import connection, connections

from flexhub.devices.models import Site
from tenants.guard import ScopeGuard, guard_of, protected_table_in, watch
from tenants.models import User
from tenants.rls import protected_models
from tenants.scope import NoScopeError, identity_scope, platform_scope, tenant_scope
from tests.support.registry import make_tenant, query


@pytest.mark.django_db
@pytest.mark.parametrize("model", protected_models(), ids=lambda model: model._meta.label)
def test_refuses_each_model_without_a_scope(model: type[Site]) -> None:
    with pytest.raises(NoScopeError, match=model._meta.db_table):
        model._base_manager.exists()


@pytest.mark.django_db
def test_refuses_raw_statements_and_writes() -> None:
    alder = make_tenant("Alder")

    with pytest.raises(NoScopeError), connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM devices_site")
    with pytest.raises(NoScopeError), connection.cursor() as cursor:
        cursor.executemany("DELETE FROM devices_site WHERE id = %s", [[alder.pk]])
    with pytest.raises(NoScopeError):
        Site.objects.create(tenant=alder, name="Home", timezone="UTC", fuse_limit_w=1)
    with pytest.raises(NoScopeError):
        list(Site.objects.raw("SELECT * FROM devices_site"))
    with pytest.raises(NoScopeError):
        next(Site.objects.iterator(chunk_size=1))


@pytest.mark.django_db
def test_refuses_again_once_a_scope_has_ended() -> None:
    alder = make_tenant("Alder")

    for scope in (tenant_scope(alder.pk), platform_scope("test"), identity_scope("test")):
        with scope:
            assert not Site.objects.exists()
        with pytest.raises(NoScopeError):
            Site.objects.exists()
    with pytest.raises(ZeroDivisionError), platform_scope("test"):
        raise ZeroDivisionError
    with pytest.raises(NoScopeError):
        User.objects.exists()


@pytest.mark.django_db
def test_lets_pass_what_belongs_to_nobody() -> None:
    assert not Session.objects.exists()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.execute("CREATE TEMPORARY TABLE leaf (LIKE devices_site) ON COMMIT DROP")
    assert query("SELECT count(*) FROM devices_site") == [(0,)]


@pytest.mark.parametrize(
    ("sql", "table"),
    [
        ('SELECT "devices_site"."id" FROM "devices_site"', "devices_site"),
        ("(SELECT 1 FROM devices_link) UNION ALL (SELECT 2)", "devices_link"),
        ("select 1 from DEVICES_SITE", "DEVICES_SITE"),
        ("  update Devices_x SET a = 1", None),
        ("SELECT 1 FROM devices_site_of_another", None),
        ("TRUNCATE devices_site", None),
        ("", None),
    ],
)
def test_knows_a_protected_table_by_its_whole_name(sql: str, table: str | None) -> None:
    assert protected_table_in(sql) == table


@pytest.mark.django_db
def test_stands_before_all_others_and_only_on_the_applications_connection() -> None:
    assert isinstance(connection.execute_wrappers[0], ScopeGuard)
    watch(connections["owner"])
    assert connections["owner"].execute_wrappers == []
    assert guard_of(connection) is guard_of(connection)
