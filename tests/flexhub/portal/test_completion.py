from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tenants.models import Tenant
from tests.support.registry import make_member, make_operator, make_site, make_tenant

pytestmark = pytest.mark.django_db


@pytest.fixture
def alder() -> Tenant:
    """It has a site of the same name as one of Birch's."""
    alder, birch = make_tenant("Alder"), make_tenant("Birch")
    for tenant in (alder, birch):
        make_site(tenant, "Corner house")
    return alder


def _offered(client: Client, model_name: str) -> list[str]:
    """For the box of its site."""
    asked = {"app_label": "cem_service", "model_name": model_name, "field_name": "site"}
    response: Any = client.get("/admin/autocomplete/", asked)
    assert response.status_code == 200
    return [each["text"] for each in response.json()["results"]]


def test_an_operator_is_told_whose_a_site_is(client: Client, alder: Tenant) -> None:
    client.force_login(make_operator())

    assert sorted(_offered(client, "gridlimit")) == ["Corner house (Alder)", "Corner house (Birch)"]


def test_who_sees_one_tenant_alone_is_not(client: Client, alder: Tenant) -> None:
    client.force_login(make_member(alder))

    assert _offered(client, "siteobjectives") == ["Corner house"]
