from __future__ import annotations

import pytest
from django.test import Client

from flexhub.flexibility.models import Enrolment, Pool
from tenants.scope import platform_scope
from tests.support.pools import make_aggregator, make_pool
from tests.support.registry import audited, make_household, make_member, make_operator

pytestmark = pytest.mark.django_db

POOLS, ENROLMENTS = "/admin/flexibility/pool/", "/admin/flexibility/enrolment/"


def test_every_page_opens_for_an_operator(client: Client) -> None:
    tenant, _ = make_aggregator()
    pool = make_pool(tenant, [make_household("Alder")])
    with platform_scope("test"):
        enrolment = Enrolment.objects.get()
    client.force_login(make_operator())

    for page in (POOLS, f"{POOLS}add/", f"{POOLS}{pool.pk}/change/", ENROLMENTS, f"{ENROLMENTS}add/"):
        assert client.get(page).status_code == 200, page
    assert client.get(f"{ENROLMENTS}{enrolment.pk}/change/").status_code == 200


def test_an_operator_enrols_a_site(client: Client) -> None:
    tenant, _ = make_aggregator()
    pool, home = make_pool(tenant), make_household("Alder")
    client.force_login(make_operator())

    response = client.post(f"{ENROLMENTS}add/", {"pool": str(pool.pk), "site": str(home.site.pk)})

    assert response.status_code == 302
    with platform_scope("test"):
        enrolment = Enrolment.objects.get()
    assert (enrolment.pool_id, enrolment.site_id, enrolment.tenant_id) == (pool.pk, home.site.pk, home.tenant.pk)
    (entry,) = audited("flexibility.site.enrolled")
    assert entry["actor_name"] == "olga"


def test_a_site_that_is_sold_already_is_refused_on_the_form(client: Client) -> None:
    tenant, _ = make_aggregator()
    home = make_household("Alder")
    make_pool(tenant, [home], "Street")
    square = make_pool(tenant, name="Square")
    client.force_login(make_operator())

    response = client.post(f"{ENROLMENTS}add/", {"pool": str(square.pk), "site": str(home.site.pk)})

    assert response.status_code == 200
    assert "already exists" in response.content.decode()


def test_an_operator_adds_a_pool_for_an_aggregator(client: Client) -> None:
    tenant, _ = make_aggregator()
    client.force_login(make_operator())

    response = client.post(f"{POOLS}add/", {"tenant": str(tenant.pk), "name": "Street"})

    assert response.status_code == 302
    with platform_scope("test"):
        assert Pool.objects.get().tenant_id == tenant.pk


def test_an_aggregator_sees_its_own_pools_and_no_site(client: Client) -> None:
    alder, _ = make_aggregator("Alder Aggregation")
    birch, _ = make_aggregator("Birch Aggregation")
    make_pool(alder, [make_household("Alder")], "Alder street")
    make_pool(birch, name="Birch street")
    client.force_login(make_member(alder, "ann"))

    pools = client.get(POOLS).content.decode()

    assert "Alder street" in pools
    assert "Birch street" not in pools
    assert client.get(f"{POOLS}add/").status_code == 403
    assert client.get(ENROLMENTS).status_code == 403
