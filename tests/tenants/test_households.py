"""What residents see and may write, as PostgreSQL enforces it. The Smiths and the Joneses are customers of Alder's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from django.db import transaction
from django.db.models import Model
from django.db.utils import ProgrammingError
from django.test import Client
from pytest_django import DjangoDbBlocker

from cem_service.models import Instruction, PlanRun, SiteObjectives, Tariff
from cem_service.objectives import create_tariff, set_objectives
from flexhub.devices.models import Device, DeviceType, Link, Node, Site
from flexhub.pairing.models import NodeToken
from flexhub.pairing.services import issue_node_token
from tenants.models import APIClient, AuditEntry, Household, Membership, Tenant, User
from tenants.scope import platform_scope, tenant_scope
from tenants.services import create_api_client
from tests.support.registry import audited, make_customer, make_device, make_resident, make_site, make_tenant


@dataclass(frozen=True, slots=True)
class Street:
    alder: Tenant
    smiths: Household
    rose: User
    house: Site
    joneses_house: Site
    flat: Tariff
    hourly: Tariff


@pytest.fixture(scope="module")
def street(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Street]:
    """All tests look at the same, since none keeps a change."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield make_street()
        transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def _undone(street: Street) -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def make_street() -> Street:
    alder = make_tenant("Alder")
    flat, hourly = (
        create_tariff(tenant=alder, name=name, import_eur_per_kwh=[0.3] * 24, export_eur_per_kwh=[0.1] * 24)
        for name in ("flat", "hourly")
    )
    create_api_client(tenant=alder, name="portal")
    households, houses, residents = [], [], []
    for name, person in (("Smiths", "rose"), ("Joneses", "jack")):
        household = make_customer(alder, name)
        site = make_site(alder, f"{name} house", household=household)
        issue_node_token(make_device(site).node)
        set_objectives(site=site, tariff=flat)
        households.append(household)
        houses.append(site)
        residents.append(make_resident(household, person))
    return Street(alder, households[0], residents[0], houses[0], houses[1], flat, hourly)


@pytest.mark.parametrize(
    ("model", "of_the_smiths", "of_alder"),
    [
        (Site, 1, 2),
        (Device, 1, 2),
        (Node, 2, 4),
        (Link, 1, 2),
        (SiteObjectives, 1, 2),
        (Household, 1, 2),
        (Membership, 1, 2),
        (User, 1, 2),
        (Tenant, 1, 1),
        (DeviceType, 2, 2),
        (Tariff, 2, 2),
        (NodeToken, 0, 2),
        (APIClient, 0, 1),
        (PlanRun, 0, 0),
        (Instruction, 0, 0),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_household_sees_what_is_its_own(
    street: Street, model: type[Model], of_the_smiths: int, of_alder: int
) -> None:
    with tenant_scope(street.alder.pk, street.smiths.pk):
        assert model._default_manager.count() == of_the_smiths
    with tenant_scope(street.alder.pk):
        assert model._default_manager.count() == of_alder


def test_a_household_reads_the_trail_of_its_own_changes_alone(street: Street) -> None:
    with tenant_scope(street.alder.pk, street.smiths.pk):
        assert not AuditEntry.objects.exists()
        set_objectives(site=street.house, tariff=street.hourly, actor=street.rose)
        assert [entry.action for entry in AuditEntry.objects.all()] == ["cem.objectives.set"]

    assert audited("cem.objectives.set")[-1]["household_id"] == street.smiths.pk
    assert audited("cem.objectives.set")[0]["household_id"] is None


def test_a_household_changes_its_own_objectives_and_no_others(street: Street) -> None:
    with tenant_scope(street.alder.pk, street.smiths.pk):
        set_objectives(site=street.house, tariff=street.hourly)
        with pytest.raises(Site.DoesNotExist), transaction.atomic():
            set_objectives(site=street.joneses_house, tariff=street.hourly)

    with tenant_scope(street.alder.pk):
        tariffs = dict(SiteObjectives.objects.values_list("site__name", "tariff__name"))
    assert tariffs == {"Smiths house": "hourly", "Joneses house": "flat"}


@pytest.mark.parametrize(
    "write",
    [
        lambda street: Site.objects.update(name="Mine"),
        lambda street: Device.objects.update(name="Mine"),
        lambda street: Tariff.objects.update(name="Mine"),
        lambda street: SiteObjectives.objects.create(
            tenant=street.alder, site=street.joneses_house, tariff=street.hourly
        ),
        lambda street: Tenant.objects.update(name="Mine"),
        lambda street: Membership.objects.update(role="ADMIN", household=None),
        lambda street: Site.objects.create(tenant=street.alder, name="Shed", timezone="UTC", fuse_limit_w=1),
    ],
    ids=["site", "device", "tariff", "objectives", "tenant", "membership", "new site"],
)
def test_a_household_writes_nothing_else(street: Street, write: Callable[[Street], object]) -> None:
    with (
        tenant_scope(street.alder.pk, street.smiths.pk),
        pytest.raises(ProgrammingError, match="row-level security"),
        transaction.atomic(),
    ):
        write(street)


def test_a_household_deletes_nothing(street: Street) -> None:
    with tenant_scope(street.alder.pk, street.smiths.pk):
        assert SiteObjectives.objects.all()._raw_delete("default") == 0
        assert Link.objects.all()._raw_delete("default") == 0

    with platform_scope("test"):
        assert (SiteObjectives.objects.count(), Link.objects.count()) == (2, 2)


def test_a_resident_uses_the_admin_for_what_is_theirs(street: Street, client: Client) -> None:
    client.force_login(street.rose)
    objectives = "/admin/cem_service/siteobjectives/"

    assert "Smiths house" in client.get("/admin/devices/site/").content.decode()
    assert "Joneses" not in client.get("/admin/devices/site/").content.decode()
    assert client.get("/admin/").status_code == 200
    assert client.get(f"/admin/devices/site/{street.house.pk}/change/").status_code == 200
    assert client.post(f"/admin/devices/site/{street.house.pk}/change/", {"name": "Mine"}).status_code == 403
    assert client.get("/admin/tenants/apiclient/").status_code == 403

    page = f"{objectives}{street.house.pk}/change/"
    shown = client.get(page).context["adminform"].form
    form = {name: value for name in shown.fields if (value := shown[name].value()) is not None}
    changed = client.post(page, form | {"tariff": str(street.hourly.pk)})

    assert changed.status_code == 302
    assert audited("cem.objectives.set")[-1]["actor_name"] == "rose"
    assert client.get(f"{objectives}add/").status_code == 403
    assert client.post(f"{objectives}{street.house.pk}/delete/", {"post": "yes"}).status_code == 403
