"""The demo's rows. Not in tests/flexhub/demo, whose tests need neither Django nor a database."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.utils import timezone

from cem_service.models import SiteObjectives
from flexhub.demo import cloud_house, seed
from flexhub.demo.street import homes
from flexhub.devices.models import Device, Site
from flexhub.flexibility.models import Enrolment
from flexhub.pairing.outgoing import outgoing_links
from flexhub.pairing.services import authenticate_node
from rm_adapters.vendors.simulator.models import SimulatedMachine
from tenants import api_clients
from tenants.models import Tenant, User
from tenants.scope import platform_scope, tenant_scope
from tests.support.registry import make_tenant

START = datetime(2026, 4, 21, 8, 30, tzinfo=UTC)


@pytest.fixture
def own_rows_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """The owner's `flush` would wait for this test's transaction, and a test's database is empty anyway."""
    monkeypatch.setattr(seed, "_flush", lambda: None)


def test_registers_homes_with_tokens_that_work(db: None, own_rows_only: None) -> None:
    street = homes(START)[:2]

    seeded = seed.seed(street, START)

    for home, credentials in zip(street, seeded.credentials, strict=True):
        assert len(credentials) == len(home.devices)
        for device, credential in zip(home.devices, credentials, strict=True):
            identity = authenticate_node(credential.node_id, credential.token)
            assert identity is not None
            assert identity.device_name == device.name
            assert identity.is_main_meter is (device.kind == "METER")
    secret = api_clients.authenticate_client(seeded.api_client.client_id, seeded.api_client.secret, now=timezone.now())
    assert secret is not None
    assert secret.tenant.kind == Tenant.Kind.AGGREGATOR


def test_every_home_of_the_street_is_in_the_pool(db: None, own_rows_only: None) -> None:
    seeded = seed.seed(homes(START)[:2], START)

    with platform_scope("test"):
        assert Site.objects.count() == SiteObjectives.objects.count() == 4
        assert Enrolment.objects.filter(pool_id=seeded.pool_id).count() == 2
        assert not Enrolment.objects.filter(site_id=seeded.spare_site_id).exists()
        assert Device.objects.filter(site_id=seeded.spare_site_id).count() == len(seeded.spare) == 2


def test_the_cloud_house_is_hosted_from_end_to_end(db: None, own_rows_only: None) -> None:
    seeded = seed.seed(homes(START)[:1], START)

    with platform_scope("test"):
        houses = {link.link_id for link in outgoing_links()}
        machines = {row.key: row.machine for row in SimulatedMachine.objects.all()}
    assert {each.link_id for each in seeded.hosted} == houses
    assert len(houses) == len({each.name for each in seeded.hosted}) == 5
    assert machines.keys() == set(cloud_house.DEVICES)
    # They live by the demo's clock, whatever the time is while they are registered.
    assert {datetime.fromisoformat(machine["at"]) for machine in machines.values()} == {START}


def test_the_four_logins_can_sign_in(db: None, own_rows_only: None) -> None:
    seeded = seed.seed(homes(START)[:1], START)

    assert {login.kind for login in seeded.logins} == set(Tenant.Kind.values)
    for login in seeded.logins:
        assert User.objects.get_by_natural_key(login.username).check_password(login.password)


def test_never_empties_a_database_that_is_not_the_demos(db: None) -> None:
    alder = make_tenant("Alder")

    with pytest.raises(seed.NotOurDatabaseError, match="Alder"):
        seed.seed(homes(START)[:1], START)

    with tenant_scope(alder.pk):
        assert Tenant.objects.filter(pk=alder.pk).exists()


def test_never_deletes_people_that_it_did_not_make(db: None) -> None:
    User.objects.create_user("alice")

    with pytest.raises(seed.NotOurDatabaseError, match="alice"):
        seed.seed(homes(START)[:1], START)
