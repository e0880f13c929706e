from __future__ import annotations

import pytest
from django.db import connection, transaction

from flexhub.devices.models import Site
from tenants.models import Membership, Tenant, User
from tenants.scope import (
    current_household_id,
    current_tenant_id,
    identity_scope,
    in_platform_scope,
    platform_scope,
    tenant_scope,
)
from tests.support.registry import make_customer, make_member, make_site, make_tenant, query


@pytest.mark.django_db
def test_shows_the_rows_of_its_tenant_only() -> None:
    alder, birch = make_tenant("Alder"), make_tenant("Birch")
    make_site(alder, "Alder house")
    make_site(birch, "Birch house")

    with tenant_scope(birch.pk):
        assert current_tenant_id() == birch.pk
        assert [site.name for site in Site.objects.all()] == ["Birch house"]
    with platform_scope("test"):
        assert in_platform_scope()
        assert Site.objects.count() == 2


@pytest.mark.django_db
def test_shows_nothing_without_a_scope() -> None:
    make_site(make_tenant("Alder"))

    assert current_tenant_id() is None
    assert not in_platform_scope()
    assert query("SELECT count(*) FROM devices_site") == [(0,)]


@pytest.mark.django_db(transaction=True)
def test_ends_with_its_transaction_on_a_connection_that_is_used_again() -> None:
    alder, birch = make_tenant("Alder"), make_tenant("Birch")
    make_site(alder)
    (before,) = query("SELECT pg_backend_pid()")

    with tenant_scope(alder.pk):
        assert query("SELECT count(*) FROM devices_site") == [(1,)]

    assert query("SELECT pg_backend_pid()") == [before]
    # This is the trap: an empty text and not NULL.
    assert query("SELECT current_setting('app.tenant_id', true)") == [("",)]
    assert query("SELECT count(*) FROM devices_site") == [(0,)]
    assert current_tenant_id() is None
    with tenant_scope(birch.pk):
        assert query("SELECT count(*) FROM devices_site") == [(0,)]


@pytest.mark.django_db
def test_a_household_sees_its_own_sites_also_through_the_services_scopes() -> None:
    alder = make_tenant("Alder")
    smiths = make_customer(alder, "Smiths")
    make_site(alder, "Smiths house", household=smiths)
    make_site(alder, "Joneses house", household=make_customer(alder, "Joneses"))
    make_site(alder, "Office")

    with tenant_scope(alder.pk, smiths.pk):
        with tenant_scope(alder.pk):
            assert current_household_id() == smiths.pk
            assert [site.name for site in Site.objects.all()] == ["Smiths house"]
        with platform_scope("test"):
            assert current_household_id() is None
            assert Site.objects.count() == 3
        assert current_household_id() == smiths.pk
    with tenant_scope(alder.pk):
        assert current_household_id() is None
        assert Site.objects.count() == 3


@pytest.mark.django_db
def test_the_identity_scope_shows_people_and_no_tenants_rows() -> None:
    alder, birch = make_tenant("Alder"), make_tenant("Birch")
    make_site(alder)
    for tenant in (alder, birch):
        make_member(tenant)

    with identity_scope("test"):
        assert not in_platform_scope()
        assert [user.username for user in User.objects.order_by("pk")] == ["alder", "birch"]
        assert User.objects.update(first_name="Ann") == 2
        assert (Tenant.objects.count(), Membership.objects.count(), Site.objects.count()) == (0, 0, 0)
    with tenant_scope(birch.pk):
        assert [user.username for user in User.objects.all()] == ["birch"]
        assert User.objects.update(first_name="Bea") == 0


@pytest.mark.django_db
def test_brings_the_outer_scope_back() -> None:
    alder, birch = make_tenant("Alder"), make_tenant("Birch")

    with tenant_scope(alder.pk):
        with platform_scope("test"):
            assert current_tenant_id() is None
            with tenant_scope(birch.pk):
                assert not in_platform_scope()
            assert in_platform_scope()
        assert current_tenant_id() == alder.pk
        assert not in_platform_scope()


@pytest.mark.django_db
def test_brings_the_outer_scope_back_after_an_error_and_undoes_the_inner_block() -> None:
    alder, birch = make_tenant("Alder"), make_tenant("Birch")

    with tenant_scope(alder.pk):
        with pytest.raises(RuntimeError), tenant_scope(birch.pk):  # noqa: PT012 - The block as a whole is under test.
            make_site(birch)
            raise RuntimeError
        assert current_tenant_id() == alder.pk

    with platform_scope("test"):
        assert Site.objects.count() == 0


@pytest.mark.django_db
def test_brings_the_outer_scope_back_when_the_inner_block_asks_for_a_rollback() -> None:
    alder, birch = make_tenant("Alder"), make_tenant("Birch")

    with tenant_scope(alder.pk):
        with tenant_scope(birch.pk):
            make_site(birch)
            transaction.set_rollback(True)
        assert current_tenant_id() == alder.pk

    with platform_scope("test"):
        assert Site.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_does_not_outlive_a_failed_transaction() -> None:
    alder = make_tenant("Alder")

    with pytest.raises(RuntimeError), tenant_scope(alder.pk):
        raise RuntimeError

    assert not connection.in_atomic_block
    assert current_tenant_id() is None
