from __future__ import annotations

import threading
from collections.abc import Callable
from uuid import uuid4

import pytest
from django.db import connection, connections
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from flexhub.devices import services as devices
from flexhub.devices.models import Device, Node
from tenants import quotas
from tenants.models import APIClient, Quota, Tenant
from tenants.quota_table import Quantity, Quotas
from tenants.quotas import QuotaReachedError
from tenants.scope import platform_scope, tenant_scope
from tenants.services import create_api_client
from tests.support.registry import (
    audited,
    give_quotas,
    make_device,
    make_device_type,
    make_household,
    make_member,
    make_operator,
    make_site,
    make_tenant,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def alder() -> Tenant:
    return make_tenant("Alder")


def number(model: type[Device | Node | APIClient], tenant: Tenant) -> int:
    with tenant_scope(tenant.pk):
        return model._default_manager.filter(tenant_id=tenant.pk).count()


class TestReading:
    def test_a_tenant_without_a_row_has_the_defaults_of_its_kind(self, alder: Tenant, settings: Settings) -> None:
        settings.QUOTAS = settings.QUOTAS | {"PROVIDER": Quotas(devices=7)}

        assert quotas.of(alder.pk) == Quotas(devices=7)
        assert quotas.of(make_tenant("Volta", Tenant.Kind.AGGREGATOR).pk) == Quotas()

    def test_a_row_says_otherwise_where_it_is_filled(self, alder: Tenant) -> None:
        give_quotas(alder, devices=3, api_calls_per_min=0)

        found = quotas.of(alder.pk)

        assert (found.devices, found.api_calls_per_min, found.sites) == (3, 0, Quotas().sites)

    def test_remembers_for_a_while_and_forgets_when_told(
        self, alder: Tenant, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        quotas.of(alder.pk)
        with platform_scope("test"):
            Quota.objects.create(tenant=alder, devices=3)

        with django_assert_num_queries(0):
            assert quotas.of(alder.pk).devices == Quotas().devices
        quotas.forget(alder.pk)
        assert quotas.of(alder.pk).devices == 3

    def test_asks_again_after_a_while(self, alder: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(quotas, "REMEMBERED_S", 0.0)
        quotas.of(alder.pk)
        with platform_scope("test"):
            Quota.objects.create(tenant=alder, devices=3)

        assert quotas.of(alder.pk).devices == 3

    def test_answers_for_many_at_once(self, alder: Tenant) -> None:
        birch = make_tenant("Birch")
        give_quotas(birch, sessions=1)

        found = quotas.of_many([alder.pk, birch.pk, uuid4()])

        assert {key: each.sessions for key, each in found.items()} == {alder.pk: Quotas().sessions, birch.pk: 1}

    def test_knows_nothing_of_a_tenant_that_is_not_there(self) -> None:
        with pytest.raises(Tenant.DoesNotExist):
            quotas.of(uuid4())

    def test_counts_what_the_scope_shows(self, alder: Tenant) -> None:
        make_device(make_site(alder))
        birch = make_household("Birch").tenant

        with platform_scope("test"):
            everybody = quotas.counts()
        with tenant_scope(alder.pk):
            own = quotas.counts()

        assert everybody[Quantity.DEVICES] == {alder.pk: 1, birch.pk: 1}
        assert own[Quantity.DEVICES] == {alder.pk: 1}
        assert own[Quantity.CEM_NODES] == {}  # The site's own is hosted.


class TestIsolation:
    def test_a_tenant_reads_its_own_row_and_writes_none(self, alder: Tenant) -> None:
        birch = make_tenant("Birch")
        give_quotas(alder, devices=1)
        give_quotas(birch, devices=2)

        with tenant_scope(birch.pk):
            assert list(Quota.objects.values_list("devices", flat=True)) == [2]
            assert Quota.objects.update(devices=99) == 0
            assert Quota.objects.all().delete()[0] == 0
        with platform_scope("test"):
            assert set(Quota.objects.values_list("devices", flat=True)) == {1, 2}


class TestRoom:
    def test_refuses_a_device_too_many_by_name_value_and_advice(self, alder: Tenant) -> None:
        give_quotas(alder, devices=1)
        site = make_site(alder)
        make_device(site)

        with pytest.raises(QuotaReachedError, match=r"quota of this tenant is 1 devices.*ask the operator"):
            make_device(site)

        assert number(Device, alder) == 1

    def test_what_is_deleted_makes_room(self, alder: Tenant) -> None:
        give_quotas(alder, devices=1)
        site = make_site(alder)
        first = make_device(site)
        with tenant_scope(alder.pk):
            first.delete()

        make_device(site)

        assert number(Device, alder) == 1

    def test_a_neighbour_that_is_full_costs_nobody_a_place(self, alder: Tenant) -> None:
        birch = make_tenant("Birch")
        give_quotas(alder, devices=1)
        give_quotas(birch, devices=0)

        make_device(make_site(alder))
        with pytest.raises(QuotaReachedError):
            make_device(make_site(birch))

    def test_each_kind_of_row_has_a_quota_of_its_own(self, alder: Tenant) -> None:
        site = make_site(alder)
        give_quotas(alder, sites=1, cem_nodes=0, members=0, api_clients=0, device_types=0)
        refused: dict[str, Callable[[], object]] = {
            "sites": lambda: make_site(alder, "Shed"),
            "CEM nodes": lambda: devices.create_cem_node(site=site, name="Box"),
            "members": lambda: make_member(alder),
            "API clients": lambda: create_api_client(tenant=alder, name="portal"),
            "device types": lambda: make_device_type(alder),
        }

        for label, attempt in refused.items():
            with pytest.raises(QuotaReachedError, match=label):
                attempt()

        make_device(site)  # Its node is an RM, and is counted with it.

    @pytest.mark.django_db(transaction=True)
    def test_many_at_once_do_not_overshoot(self, alder: Tenant) -> None:
        give_quotas(alder, devices=2)
        site, device_type, begin = make_site(alder), make_device_type(), threading.Barrier(4)
        refused: list[Exception] = []

        def add() -> None:
            begin.wait(20)
            try:
                make_device(site, device_type)
            except QuotaReachedError as error:
                refused.append(error)
            finally:
                connections.close_all()

        threads = [threading.Thread(target=add) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)

        assert (number(Device, alder), len(refused)) == (2, 2)


class TestPages:
    def test_an_operator_gives_a_tenant_quotas_which_leaves_an_audit_row(self, alder: Tenant, client: Client) -> None:
        quotas.of(alder.pk)
        client.force_login(make_operator())

        response = client.post("/admin/tenants/quota/add/", {"tenant": str(alder.pk), "devices": "3"})

        assert response.status_code == 302
        (entry,) = audited("tenants.quota.created")
        assert (entry["tenant_id"], entry["after"]["devices"], entry["actor_name"]) == (alder.pk, 3, "olga")

    def test_the_page_shows_the_defaults_behind_empty_fields(self, alder: Tenant, client: Client) -> None:
        give_quotas(alder, devices=3)
        client.force_login(make_operator())

        page = client.get(f"/admin/tenants/quota/{alder.pk}/change/").content.decode()

        assert 'placeholder="20000 by default"' in page

    def test_nobody_else_writes_them(self, alder: Tenant, client: Client) -> None:
        client.force_login(make_member(alder))

        assert client.post("/admin/tenants/quota/add/", {"tenant": str(alder.pk)}).status_code == 403

    def test_a_page_says_why_nothing_was_added(self, alder: Tenant, client: Client) -> None:
        give_quotas(alder, sites=0)
        client.force_login(make_member(alder))
        form = {"name": "Shed", "timezone": "UTC", "fuse_limit_w": "1000"}

        response = client.post("/admin/devices/site/add/", form, follow=True)

        assert response.redirect_chain == [("/admin/devices/site/", 302)]
        assert "The quota of this tenant is 0 sites" in response.content.decode()
        assert not audited("devices.site.created")

    def test_rows_that_no_service_makes_are_counted_too(self, alder: Tenant, client: Client) -> None:
        give_quotas(alder, api_clients=0)
        client.force_login(make_operator())

        response = client.post(
            "/admin/tenants/apiclient/add/", {"tenant": str(alder.pk), "name": "x", "is_active": "on"}, follow=True
        )

        assert "The quota of this tenant is 0 API clients" in response.content.decode()
        assert number(APIClient, alder) == 0


def test_the_lock_needs_no_right_to_write(alder: Tenant) -> None:
    """A tenant may not change its row of quotas, and so could not lock it either."""
    give_quotas(alder, devices=1)

    with tenant_scope(alder.pk):
        quotas.require_room(alder.pk, Quantity.DEVICES)
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
            assert cursor.fetchone() == (1,)
