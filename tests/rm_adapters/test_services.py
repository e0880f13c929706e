from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Model

from flexhub.devices.models import Device, Link, Node
from rm_adapters import services
from rm_adapters.models import HostedRM, VendorAccount
from rm_adapters.removal import PATIENCE, remove
from rm_adapters.sdk import AuthGone
from rm_adapters.vendors.simulator.cloud import CloudError, SimulatedCloud
from rm_adapters.vendors.simulator.models import SimulatedMachine
from tenants.models import Tenant
from tenants.scope import platform_scope, tenant_scope
from tests.rm_adapters.attended_home import NO_LOOK, AttendedHome, make_account, make_hosted_rm
from tests.rm_adapters.hosted_home import MORNING
from tests.rm_adapters.instructing import charge
from tests.support.registry import audited, make_device_type, make_site, make_tenant, query

pytestmark = pytest.mark.django_db

OWNED: list[type[Model]] = [VendorAccount, HostedRM, SimulatedMachine]


@pytest.fixture
def alder() -> Tenant:
    return make_tenant("Alder")


class TestAccounts:
    @pytest.mark.parametrize(
        ("values", "field"), [({"vendor": "acme"}, "vendor"), ({"name": ""}, "name"), ({"name": "x" * 101}, "name")]
    )
    def test_a_mistake_is_named(self, alder: Tenant, values: dict[str, str], field: str) -> None:
        given = {"vendor": "simulator", "name": "Street"} | values

        with pytest.raises(ValidationError) as caught:
            services.link_account(tenant=alder, look=NO_LOOK, vendor=given["vendor"], name=given["name"])

        assert list(caught.value.message_dict) == [field]

    def test_a_look_keeps_what_the_vendor_tells(self, alder: Tenant) -> None:
        account = make_account(alder)

        assert [each["kind"] for each in account.devices] == ["battery", "heater", "hybrid", "roof", "washer"]
        assert (account.looked_at, account.last_error) == (MORNING, "")

    def test_a_look_in_vain_keeps_what_was_known(self, alder: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
        account = make_account(alder)

        def unauthorised(*_args: object) -> None:
            raise CloudError(401)

        monkeypatch.setattr(SimulatedCloud, "devices", unauthorised)
        services.look_for_devices(alder.pk, account.pk, now=lambda: MORNING)

        with tenant_scope(alder.pk):
            account.refresh_from_db()
        assert len(account.devices) == 5
        assert account.last_error == "AuthGone: HTTP 401"

    @pytest.mark.parametrize(
        ("found", "told"),
        [
            ({"id": "a\0b"}, "none that JSON can hold"),
            ({"ratings": {"made": object()}}, "none that JSON can hold"),
            ({"id": "x" * 201}, "ValueError in values.py"),
            ({"id": ""}, "ValueError in values.py"),
        ],
    )
    def test_devices_that_cannot_be_kept_are_told_of(
        self, alder: Tenant, monkeypatch: pytest.MonkeyPatch, found: dict[str, Any], told: str
    ) -> None:
        account = make_account(alder)
        device = {"id": "roof", "kind": "roof", "ratings": {}}

        monkeypatch.setattr(SimulatedCloud, "devices", lambda _cloud: [device | found])
        services.look_for_devices(alder.pk, account.pk, now=lambda: MORNING)

        with tenant_scope(alder.pk):
            account.refresh_from_db()
        assert len(account.devices) == 5
        assert told in account.last_error

    def test_what_a_vendor_says_is_kept_as_far_as_it_can_be(
        self, alder: Tenant, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        account = make_account(alder)

        def refuse(_cloud: SimulatedCloud) -> None:
            raise AuthGone("no\0such\nkey")

        monkeypatch.setattr(SimulatedCloud, "devices", refuse)
        services.look_for_devices(alder.pk, account.pk, now=lambda: MORNING)

        with tenant_scope(alder.pk):
            account.refresh_from_db()
        assert account.last_error == "AuthGone: no\ufffdsuch\ufffdkey"

    def test_an_account_that_is_gone_is_nobodys_business(self, alder: Tenant) -> None:
        services.look_for_devices(alder.pk, uuid4(), now=lambda: MORNING)


class TestRegistration:
    def test_a_device_without_a_name_is_known_by_its_id(self, alder: Tenant) -> None:
        account = make_account(alder)
        account.devices = [device | {"name": ""} for device in account.devices]

        hosted_rm = services.register(
            account=account, device_key="roof", site=make_site(alder), device_type=make_device_type()
        )

        assert str(hosted_rm) == "roof"

    def test_makes_a_device_with_its_node_and_its_link(self, alder: Tenant) -> None:
        hosted_rm = make_hosted_rm(alder, "roof")

        with tenant_scope(alder.pk):
            link = Link.objects.get(rm_node=hosted_rm.pk)
            assert (link.cem_node.hosted, link.cem_node.site_id) == (True, hosted_rm.node.site_id)
            assert Device.objects.get(node=hosted_rm.pk).serial_number == "roof"
        assert hosted_rm.node.hosted
        for action in ("devices.device.created", "devices.link.created", "rm_adapters.hostedrm.created"):
            assert len(audited(action)) == 1

    def test_a_device_that_the_account_has_not_is_refused(self, alder: Tenant) -> None:
        account = make_account(alder)

        with pytest.raises(ValidationError) as caught:
            services.register(account=account, device_key="pool", site=make_site(alder), device_type=make_device_type())

        assert "it has battery, heater, hybrid, roof, washer" in caught.value.message_dict["device_key"][0]

    def test_a_site_of_another_tenant_is_refused(self, alder: Tenant) -> None:
        account, site = make_account(alder), make_site(make_tenant("Birch"))

        with pytest.raises(ValidationError) as caught:
            services.register(account=account, device_key="roof", site=site, device_type=make_device_type())

        assert list(caught.value.message_dict) == ["site"]

    def test_a_device_is_hosted_once(self, alder: Tenant) -> None:
        hosted_rm = make_hosted_rm(alder, "roof")

        with pytest.raises(ValidationError, match="has a hosted RM already"):
            services.register(
                account=hosted_rm.account,
                device_key="roof",
                site=make_site(alder),
                device_type=make_device_type(),
                serial_number="another",
            )

        with tenant_scope(alder.pk):
            assert Device.objects.count() == 1

    @pytest.mark.parametrize(
        "preferences",
        [
            {"comfort": {"soc": [1.0, float("nan")]}},
            {"comfort": {"soc": [2, 1]}},
            {"comfort": {"soc": 1}},
            {"warmth": {}},
        ],
    )
    def test_preferences_that_mean_nothing_are_refused(self, alder: Tenant, preferences: dict[str, Any]) -> None:
        hosted_rm = make_hosted_rm(alder)

        with pytest.raises(ValidationError) as caught:
            services.set_preferences(hosted_rm, preferences, now=MORNING)

        assert list(caught.value.message_dict) == ["preferences"]


class TestRemoval:
    def test_a_device_goes_once_it_is_its_own_master(self) -> None:
        home = AttendedHome("battery")
        home.connect()
        home.select()
        home.instruct(charge(home, "charge", 0.5))
        home.wait(minutes=1)

        with tenant_scope(home.hosted_rm.tenant_id):
            remove(home.hosted_rm, now=home.now)
            assert not Link.objects.exists()
            assert Device.objects.exists()
        home.disconnect()
        with pytest.raises(HostedRM.DoesNotExist):
            home.wait(minutes=2)

        assert home.settings()[-1] == {"mode": "auto", "factor": 0.0}
        with tenant_scope(home.hosted_rm.tenant_id):
            assert not HostedRM.objects.exists()
            assert not Device.objects.exists()
            assert not Node.objects.filter(role=Node.Role.RM).exists()
        for action in ("rm_adapters.hostedrm.removed", "rm_adapters.hostedrm.deleted", "devices.device.deleted"):
            assert len(audited(action)) == 1

    def test_a_vendor_that_does_not_answer_is_not_waited_for_without_end(self, monkeypatch: pytest.MonkeyPatch) -> None:
        home = AttendedHome("battery")
        home.connect()
        home.select()
        home.instruct(charge(home, "charge", 0.5))
        home.wait(minutes=1)

        def timeout(*_args: object) -> None:
            raise CloudError(None)

        monkeypatch.setattr(SimulatedCloud, "state", timeout)
        with tenant_scope(home.hosted_rm.tenant_id):
            remove(home.hosted_rm, now=home.now)
        home.disconnect()
        home.wait(minutes=30)
        assert home.row_now().remove_by is not None

        with pytest.raises(HostedRM.DoesNotExist):
            home.wait(seconds=PATIENCE.total_seconds())

    def test_a_row_that_nothing_can_be_made_of_is_not_kept_for_its_session(self) -> None:
        home = AttendedHome("battery")
        home.connect()
        with tenant_scope(home.hosted_rm.tenant_id):
            HostedRM.objects.update(state={"version": 1_000})
            remove(home.hosted_rm, now=home.now)
        home.disconnect()

        with pytest.raises(HostedRM.DoesNotExist):
            home.wait(seconds=PATIENCE.total_seconds() + 60)

    def test_again_has_no_effect(self, alder: Tenant) -> None:
        hosted_rm = make_hosted_rm(alder)

        remove(hosted_rm, now=MORNING)
        remove(hosted_rm, now=MORNING + PATIENCE)

        with tenant_scope(alder.pk):
            assert HostedRM.objects.get().remove_by == MORNING + PATIENCE
        assert len(audited("rm_adapters.hostedrm.removed")) == 1


class TestIsolation:
    @pytest.mark.parametrize("model", OWNED, ids=lambda model: model.__name__)
    def test_others_see_and_change_nothing(self, alder: Tenant, model: type[Model]) -> None:
        birch = make_tenant("Birch")
        for tenant in (alder, birch):
            make_hosted_rm(tenant)
        table = model._meta.db_table

        assert query(f"SELECT 1 FROM {table}") == []
        with tenant_scope(birch.pk):
            assert query(f"SELECT 1 FROM {table} WHERE tenant_id = %s", alder.pk) == []
            assert query(f"DELETE FROM {table} WHERE tenant_id = %s RETURNING 1", alder.pk) == []
            update = f"UPDATE {table} SET tenant_id = tenant_id WHERE tenant_id = %s RETURNING 1"
            assert query(update, alder.pk) == []
            assert query(f"SELECT 1 FROM {table} WHERE tenant_id = %s", birch.pk)
        with platform_scope("test"):
            assert query(f"SELECT 1 FROM {table} WHERE tenant_id = %s", alder.pk)

    @pytest.mark.parametrize("column", ["node_id", "account_id"])
    def test_a_row_belongs_to_the_tenant_of_what_it_is_for(self, alder: Tenant, column: str) -> None:
        ours, theirs = make_hosted_rm(alder, "roof"), make_hosted_rm(make_tenant("Birch"), "battery")
        other = {"node_id": theirs.node_id, "account_id": theirs.account_id}[column]
        with platform_scope("test"):
            HostedRM.objects.filter(pk=theirs.pk).delete()

        with pytest.raises(IntegrityError, match="same_tenant"):
            update_now(alder, column, other, ours)

    def test_a_cem_is_no_hosted_rm(self, alder: Tenant) -> None:
        hosted_rm = make_hosted_rm(alder)
        with tenant_scope(alder.pk):
            cem = Node.objects.get(role=Node.Role.CEM)

        with pytest.raises(IntegrityError, match="same_tenant"):
            update_now(alder, "node_id", cem.pk, hosted_rm)


def update_now(tenant: Tenant, column: str, value: UUID, row: HostedRM) -> None:
    """Change it past the ORM, and have PostgreSQL judge it at once."""
    with transaction.atomic(), tenant_scope(tenant.pk):
        query(f"UPDATE rm_adapters_hostedrm SET {column} = %s WHERE node_id = %s", value, row.pk)
        query("SET CONSTRAINTS ALL IMMEDIATE")
