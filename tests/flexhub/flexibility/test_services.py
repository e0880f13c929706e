from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.utils import ProgrammingError

from flexhub.flexibility.models import Enrolment, Pool
from flexhub.flexibility.services import create_pool, enrol_site
from tenants.scope import platform_scope, tenant_scope
from tests.support.pools import make_aggregator, make_pool
from tests.support.registry import audited, make_household

pytestmark = pytest.mark.django_db


def test_creates_a_pool_and_records_it() -> None:
    tenant, _ = make_aggregator()

    pool = create_pool(tenant=tenant, name="Street")

    (entry,) = audited("flexibility.pool.created")
    assert entry["tenant_id"] == tenant.pk
    assert entry["object_id"] == str(pool.pk)


def test_refuses_a_second_pool_of_the_same_name() -> None:
    tenant, _ = make_aggregator()
    create_pool(tenant=tenant, name="Street")

    with pytest.raises(ValidationError):
        create_pool(tenant=tenant, name="Street")


def test_the_enrolment_belongs_to_the_sites_owner() -> None:
    tenant, _ = make_aggregator()
    household = make_household("Alder")

    enrolment = enrol_site(pool=create_pool(tenant=tenant, name="Street"), site=household.site)

    assert enrolment.tenant_id == household.tenant.pk
    (entry,) = audited("flexibility.site.enrolled")
    assert entry["tenant_id"] == household.tenant.pk


def test_a_site_is_sold_once() -> None:
    tenant, _ = make_aggregator()
    household = make_household("Alder")
    make_pool(tenant, [household], "Street")

    with pytest.raises(ValidationError):
        make_pool(tenant, [household], "Square")


def test_birch_sees_neither_alders_pool_nor_who_is_in_it() -> None:
    alder, _ = make_aggregator("Alder Aggregation")
    birch, _ = make_aggregator("Birch Aggregation")
    home = make_household("Alder")
    make_pool(alder, [home])

    with tenant_scope(birch.pk):
        assert not Pool.objects.exists()
        assert not Enrolment.objects.exists()
    with tenant_scope(alder.pk):
        assert Pool.objects.count() == 1
        # The aggregator owns the pool, never the row that names a home.
        assert not Enrolment.objects.exists()
    with tenant_scope(home.tenant.pk):
        assert Enrolment.objects.count() == 1


def test_birch_cannot_write_into_alders_pool() -> None:
    alder, _ = make_aggregator("Alder Aggregation")
    birch = make_household("Birch")
    pool = make_pool(alder)

    with tenant_scope(birch.tenant.pk):
        assert not Pool.objects.filter(pk=pool.pk).update(name="Mine")
        with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
            Pool.objects.create(tenant=alder, name="Forged")
    with platform_scope("test"):
        assert Pool.objects.get().name == "Street"
