from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from flexhub.bus.errors import BusUnavailable
from rm_adapters import runtime
from rm_adapters.models import HostedRM, VendorAccount
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.rm_adapters.attended_home import make_account, make_hosted_rm
from tests.support.clock import FixedClock
from tests.support.registry import (
    audited,
    make_device_type,
    make_member,
    make_operator,
    make_site,
    make_tenant,
)

pytestmark = pytest.mark.django_db

ACCOUNTS, HOSTED = "/admin/rm_adapters/vendoraccount/", "/admin/rm_adapters/hostedrm/"
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def alder() -> Tenant:
    return make_tenant("Alder")


def page(client: Client, url: str) -> str:
    response = client.get(url, follow=True)
    assert response.status_code == 200, response.status_code
    return response.content.decode()


def form_for(account: VendorAccount, key: str = "battery", **values: Any) -> dict[str, Any]:
    with tenant_scope(account.tenant_id):
        site = account.tenant.sites.first() or make_site(account.tenant)
    filled = {
        "vendor_device": f"{account.pk}/{key}",
        "site": str(site.pk),
        "device_type": str(make_device_type().pk),
        "name": "",
        "serial_number": "",
        "preferences": "{}",
    }
    return filled | values


class TestAccounts:
    def test_an_account_is_linked_and_its_vendor_asked(
        self,
        client: Client,
        alder: Tenant,
        monkeypatch: pytest.MonkeyPatch,
        django_capture_on_commit_callbacks: Any,
    ) -> None:
        asked: list[tuple[Any, Any]] = []
        monkeypatch.setattr(runtime, "send_look", lambda *ids: asked.append(ids))
        client.force_login(make_member(alder, "ann"))

        with django_capture_on_commit_callbacks(execute=True):
            response = client.post(f"{ACCOUNTS}add/", {"vendor": "simulator", "name": "Alder house"})

        assert response.status_code == 302
        with tenant_scope(alder.pk):
            account = VendorAccount.objects.get()
        assert (account.vendor, account.name, account.tenant_id) == ("simulator", "Alder house", alder.pk)
        assert asked == [(alder.pk, account.pk)]
        assert audited("rm_adapters.vendoraccount.created")[0]["actor_name"] == "ann"

    def test_its_page_shows_what_is_in_it(self, client: Client, alder: Tenant) -> None:
        account = make_account(alder, name=HOSTILE)
        client.force_login(make_member(alder))

        text = page(client, f"{ACCOUNTS}{account.pk}/change/")

        for key in ("battery", "roof", "washer", "heater", "hybrid"):
            assert f"<code>{key}</code>" in text
        assert HOSTILE not in text

    def test_the_same_name_twice_gets_an_answer_on_the_form(self, client: Client, alder: Tenant) -> None:
        make_account(alder, name="Street")
        client.force_login(make_member(alder))

        response = client.post(f"{ACCOUNTS}add/", {"vendor": "simulator", "name": "Street"})

        assert "has an account of this name" in response.content.decode()

    @pytest.mark.parametrize("operated", [False, True])
    def test_a_name_that_another_one_has_gets_an_answer_on_the_form(
        self, client: Client, alder: Tenant, operated: bool
    ) -> None:
        make_account(alder, name="Street")
        account = make_account(alder, name="House")
        client.force_login(make_operator() if operated else make_member(alder))
        url = f"{ACCOUNTS}{account.pk}/change/"

        refused = client.post(url, {"name": "Street"})
        taken = client.post(url, {"name": "House by the sea"})

        assert "has an account of this name" in refused.content.decode()
        assert taken.status_code == 302

    @pytest.mark.parametrize("used", [False, True])
    def test_it_is_deleted_once_nothing_is_hosted_through_it(self, client: Client, alder: Tenant, used: bool) -> None:
        account = make_hosted_rm(alder).account if used else make_account(alder)
        client.force_login(make_member(alder))

        client.post(f"{ACCOUNTS}{account.pk}/delete/", {"post": "yes"})

        with tenant_scope(alder.pk):
            assert VendorAccount.objects.exists() is used

    @pytest.mark.parametrize("away", [False, True])
    def test_its_vendor_is_asked_again(
        self, client: Client, alder: Tenant, monkeypatch: pytest.MonkeyPatch, away: bool
    ) -> None:
        def send(*_ids: object) -> None:
            if away:
                raise BusUnavailable

        monkeypatch.setattr(runtime, "send_look", send)
        account = make_account(alder)
        client.force_login(make_member(alder))

        response = client.post(ACCOUNTS, {"action": "look", "_selected_action": [str(account.pk)]}, follow=True)

        told = "The task queue cannot be reached" if away else "Vendors are being asked: 1."
        assert told in response.content.decode()


class TestHostedRMs:
    def test_one_is_registered_for_a_device_of_an_account(self, client: Client, alder: Tenant) -> None:
        account = make_account(alder)
        client.force_login(make_member(alder, "ann"))

        response = client.post(f"{HOSTED}add/", form_for(account, preferences='{"comfort": {"soc": [20, null]}}'))

        assert response.status_code == 302
        with tenant_scope(alder.pk):
            hosted_rm = HostedRM.objects.select_related("node__device").get()
            assert (hosted_rm.account, hosted_rm.device_key) == (account, "battery")
            assert (hosted_rm.node.hosted, hosted_rm.node.role) == (True, "RM")
            assert hosted_rm.node.rm_link.cem_node.hosted
            assert hosted_rm.preferences == {"comfort": {"soc": [20.0, None]}}
        assert audited("rm_adapters.hostedrm.created")[0]["actor_name"] == "ann"

    def test_what_is_hosted_already_is_not_offered(self, client: Client, alder: Tenant) -> None:
        hosted_rm = make_hosted_rm(alder, "battery")
        client.force_login(make_member(alder))

        text = page(client, f"{HOSTED}add/")

        assert f'value="{hosted_rm.account_id}/roof"' in text
        for name in ("vendor_device", "site", "device_type", "name", "serial_number", "preferences"):
            assert f'name="{name}"' in text
        assert f'value="{hosted_rm.account_id}/battery"' not in text

    @pytest.mark.parametrize(
        ("field", "value", "told"),
        [
            ("vendor_device", "", "This field is required."),
            ("vendor_device", "00000000-0000-0000-0000-000000000000/x", "not one of the available choices"),
            ("preferences", "[1]", "Should be an object."),
            ("preferences", '{"comfort": {"soc": [9, 1]}}', "the first number should be the lower one"),
            ("preferences", '{"comfort": {"soc": "warm"}}', "comfort.soc"),
            ("preferences", '{"confort": {}}', "There is no &#x27;confort&#x27;"),
            ("preferences", '{"comfort": {"\\u0000": [1, 2]}}', "Enter a valid JSON."),
            ("preferences", "[" * 100_000, "Enter a valid JSON."),
        ],
    )
    def test_a_mistake_gets_an_answer_on_the_form(
        self, client: Client, alder: Tenant, field: str, value: str, told: str
    ) -> None:
        account = make_account(alder)
        client.force_login(make_member(alder))

        response = client.post(f"{HOSTED}add/", form_for(account, **{field: value}))

        assert response.status_code == 200
        assert told in response.content.decode()

    def test_a_device_that_is_registered_already_gets_an_answer_on_the_form(
        self, client: Client, alder: Tenant
    ) -> None:
        account = make_account(alder)
        client.force_login(make_member(alder))
        form = form_for(account, serial_number="SN-1")
        client.post(f"{HOSTED}add/", form)

        response = client.post(f"{HOSTED}add/", form | {"vendor_device": f"{account.pk}/roof"})

        assert "This device is registered already." in response.content.decode()

    def test_an_operator_cannot_host_in_a_site_of_another_tenant(self, client: Client, alder: Tenant) -> None:
        account, elsewhere = make_account(alder), make_site(make_tenant("Birch"))
        client.force_login(make_operator())

        response = client.post(f"{HOSTED}add/", form_for(account, site=str(elsewhere.pk)))

        assert "belong to different tenants" in response.content.decode()

    def test_the_list_says_how_each_one_is(self, client: Client, alder: Tenant, clock: FixedClock) -> None:
        hosted_rm = make_hosted_rm(alder)
        with tenant_scope(alder.pk):
            HostedRM.objects.update(observed_at=clock.now(), failing_since=clock.now(), last_error=HOSTILE)
        clock.advance(120)
        client.force_login(make_member(alder))

        text = page(client, HOSTED)

        for shown in (hosted_rm.node.name, "Alder house", "Simulated devices", "failing", "2\xa0minutes ago"):
            assert shown in text
        assert HOSTILE not in text

    def test_its_page_changes_preferences_only(self, client: Client, alder: Tenant, clock: FixedClock) -> None:
        hosted_rm = make_hosted_rm(alder)
        client.force_login(make_member(alder, "ann"))
        url = f"{HOSTED}{hosted_rm.pk}/change/"
        page(client, url)

        client.post(url, {"preferences": '{"comfort": {"soc": [10, 90]}}', "device_key": "roof"})

        with tenant_scope(alder.pk):
            hosted_rm.refresh_from_db()
        assert (hosted_rm.device_key, hosted_rm.preferences) == ("battery", {"comfort": {"soc": [10.0, 90.0]}})
        assert hosted_rm.next_at == clock.now()
        assert audited("rm_adapters.hostedrm.changed")[0]["actor_name"] == "ann"

    def test_it_is_removed_by_its_action(self, client: Client, alder: Tenant, clock: FixedClock) -> None:
        hosted_rm = make_hosted_rm(alder)
        client.force_login(make_member(alder))

        client.post(HOSTED, {"action": "remove", "_selected_action": [str(hosted_rm.pk)]})

        assert "being removed" in page(client, HOSTED)
        assert client.post(f"{HOSTED}{hosted_rm.pk}/delete/", {"post": "yes"}).status_code == 403

    def test_its_device_cannot_be_deleted_under_it(self, client: Client, alder: Tenant) -> None:
        hosted_rm = make_hosted_rm(alder)
        client.force_login(make_member(alder))

        client.post(f"/admin/devices/device/{hosted_rm.node.device_id}/delete/", {"post": "yes"})

        with tenant_scope(alder.pk):
            assert HostedRM.objects.filter(pk=hosted_rm.pk).exists()


@pytest.mark.parametrize("url", [ACCOUNTS, HOSTED])
def test_every_page_opens_for_an_operator(client: Client, alder: Tenant, url: str) -> None:
    hosted_rm = make_hosted_rm(alder)
    client.force_login(make_operator())
    key = hosted_rm.account_id if url == ACCOUNTS else hosted_rm.pk

    for each in ("", "?q=Alder", f"{key}/change/", f"{key}/history/", "add/"):
        assert page(client, f"{url}{each}")
    ((_, shown),) = client.get(f"{url}{key}/change/").context["adminform"].fieldsets
    assert "tenant" in shown["fields"]


def test_others_see_nothing_of_it(client: Client, alder: Tenant) -> None:
    hosted_rm = make_hosted_rm(alder)
    client.force_login(make_member(make_tenant("Birch")))

    assert hosted_rm.device["name"] not in page(client, HOSTED)
    assert str(hosted_rm.account_id) not in page(client, ACCOUNTS)
    assert str(hosted_rm.account_id) not in page(client, f"{HOSTED}add/")
    assert client.get(f"{HOSTED}{hosted_rm.pk}/change/").status_code == 404


@pytest.mark.parametrize("kind", [Tenant.Kind.MANUFACTURER, Tenant.Kind.AGGREGATOR])
def test_only_providers_and_operators_have_these_pages(client: Client, kind: Tenant.Kind) -> None:
    client.force_login(make_member(make_tenant("Volta", kind)))

    for url in (ACCOUNTS, HOSTED):
        assert client.get(url).status_code == 403
