from __future__ import annotations

import re

import pytest
from django.test import Client
from django.utils.html import escape

from flexhub.devices.models import Device, DeviceType, Link, Node, Site
from s2.strictness import QUIRK_TEXTS
from tenants.models import Tenant
from tenants.scope import platform_scope, tenant_scope
from tests.support.registry import (
    Household,
    audited,
    make_device,
    make_device_type,
    make_household,
    make_member,
    make_operator,
    make_site,
    make_tenant,
)

pytestmark = pytest.mark.django_db

SITES, DEVICES, TYPES, NODES, LINKS = (
    f"/admin/devices/{name}/" for name in ("site", "device", "devicetype", "node", "link")
)

PACE = {"messages_per_s": "20", "burst": "200"}
_CHECKED = re.compile(r'<input[^>]* value="([^"]*)"[^>]* checked[ >]')


@pytest.fixture
def alder() -> Household:
    return make_household("Alder")


def test_a_provider_adds_a_site_with_its_cem(client: Client) -> None:
    alder = make_tenant("Alder")
    client.force_login(make_member(alder, "ann"))

    response = client.post(
        f"{SITES}add/",
        {"name": "Alder house", "timezone": "Europe/Amsterdam", "fuse_limit_w": "17250", "export_limit_w": ""},
    )

    assert response.status_code == 302
    with tenant_scope(alder.pk):
        site = Site.objects.get()
        assert site.tenant == alder
        assert site.nodes.get().hosted
    (entry,) = audited("devices.site.created")
    assert entry["actor_name"] == "ann"


def test_an_operator_adds_a_site_for_a_tenant(client: Client) -> None:
    alder = make_tenant("Alder")
    client.force_login(make_operator())

    client.post(
        f"{SITES}add/",
        {"tenant": str(alder.pk), "name": "Alder house", "timezone": "UTC", "fuse_limit_w": "17250"},
    )

    with tenant_scope(alder.pk):
        assert Site.objects.get().name == "Alder house"


@pytest.mark.parametrize(
    ("field", "value"), [("timezone", "Mars"), ("fuse_limit_w", "0"), ("name", "Alder house"), ("name", "")]
)
def test_a_bad_site_gets_an_answer_on_the_form(client: Client, alder: Household, field: str, value: str) -> None:
    client.force_login(make_member(alder.tenant))
    form = {"name": "New", "timezone": "UTC", "fuse_limit_w": "1", field: value}

    response = client.post(f"{SITES}add/", form)

    assert response.status_code == 200
    assert response.context["errors"]


def test_only_rm_nodes_of_the_site_can_be_its_main_meter(client: Client, alder: Household) -> None:
    elsewhere = make_device(make_site(alder.tenant, "Shed"), name="Shed meter")
    client.force_login(make_member(alder.tenant))

    page = client.get(f"{SITES}{alder.site.pk}/change/").content.decode()

    assert str(alder.rm_node.pk) in page
    assert str(elsewhere.node.pk) not in page
    assert str(alder.cem_node.pk) not in page


def test_a_provider_adds_a_device_which_is_linked_at_once(client: Client, alder: Household) -> None:
    client.force_login(make_member(alder.tenant))
    form = {
        "site": str(alder.site.pk),
        "device_type": str(alder.device.device_type_id),
        "name": "Charger",
        "serial_number": "SN-new",
    }

    response = client.post(f"{DEVICES}add/", form)

    assert response.status_code == 302
    with tenant_scope(alder.tenant.pk):
        assert Device.objects.get(name="Charger").node.rm_link.cem_node == alder.cem_node


def test_a_device_cannot_be_put_into_anothers_site(client: Client, alder: Household) -> None:
    birch = make_tenant("Birch")
    client.force_login(make_member(birch))
    form = {
        "site": str(alder.site.pk),
        "device_type": str(alder.device.device_type_id),
        "name": "Charger",
        "serial_number": "SN-new",
    }

    response = client.post(f"{DEVICES}add/", form)

    assert response.status_code == 200
    assert "site" in response.context["adminform"].form.errors


@pytest.mark.parametrize("operator", [False, True])
def test_a_device_that_is_registered_already_gets_an_answer_on_the_form(
    client: Client, alder: Household, operator: bool
) -> None:
    client.force_login(make_operator() if operator else make_member(alder.tenant))
    form = {
        "site": str(alder.site.pk),
        "device_type": str(alder.device.device_type_id),
        "name": "Charger",
        "serial_number": alder.device.serial_number,
    }

    response = client.post(f"{DEVICES}add/", form)

    assert response.context["errors"] == [["This device is registered already."]]


def test_a_device_stays_in_its_site(client: Client, alder: Household) -> None:
    shed = make_site(alder.tenant, "Shed")
    client.force_login(make_member(alder.tenant))
    form = {"site": str(shed.pk), "device_type": str(alder.device.device_type_id), "name": "New", "serial_number": "x"}

    assert client.post(f"{DEVICES}{alder.device.pk}/change/", form).status_code == 302

    with tenant_scope(alder.tenant.pk):
        device = Device.objects.get()
        assert (device.name, device.site) == ("New", alder.site)


def test_a_device_leads_to_its_link(client: Client, alder: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flexhub.devices.admin.CONVERSATION_VIEW", "admin:no_such_page")
    client.force_login(make_member(alder.tenant))

    assert f"{LINKS}{alder.link.pk}/change/" in client.get(DEVICES).content.decode()


def test_links_lead_to_their_conversations_where_that_page_is_installed(
    client: Client, alder: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.force_login(make_member(alder.tenant))
    monkeypatch.setattr("flexhub.devices.admin.CONVERSATION_VIEW", "admin:no_such_page")
    assert "column-conversation" not in client.get(LINKS).content.decode()

    # Any page about one link stands in for the conversation.
    monkeypatch.setattr("flexhub.devices.admin.CONVERSATION_VIEW", "admin:devices_link_history")

    for url in (LINKS, DEVICES, f"{LINKS}{alder.link.pk}/change/"):
        assert f"{LINKS}{alder.link.pk}/history/" in client.get(url).content.decode()


def test_a_manufacturer_changes_its_own_types_only(client: Client) -> None:
    volta, edison = (make_tenant(name, Tenant.Kind.MANUFACTURER) for name in ("Volta", "Edison"))
    own, other = make_device_type(volta), make_device_type(edison)
    client.force_login(make_member(volta))
    form = PACE | {"brand": "Volta", "model": "Two", "kind": "BATTERY", "strictness": "strict"}

    assert client.get(TYPES).status_code == 200
    assert client.post(f"{TYPES}{own.pk}/change/", form).status_code == 302
    assert client.post(f"{TYPES}{other.pk}/change/", form).status_code == 403
    assert client.get(f"{TYPES}{other.pk}/change/").status_code == 200

    with platform_scope("test"):
        assert sorted(DeviceType.objects.values_list("brand", "model")) == [("Edison", "One"), ("Volta", "Two")]


def test_a_manufacturer_says_how_strictly_its_devices_are_judged(client: Client) -> None:
    volta = make_tenant("Volta", Tenant.Kind.MANUFACTURER)
    own = make_device_type(volta)
    client.force_login(make_member(volta))
    form = PACE | {"brand": "Volta", "model": "One", "kind": "BATTERY", "strictness": "lenient"}
    page = f"{TYPES}{own.pk}/change/"

    shown = client.get(page).content.decode()
    for name, text in QUIRK_TEXTS.items():
        assert f'value="{name}"' in shown
        assert escape(text) in shown
    assert not _CHECKED.findall(shown)

    assert client.post(page, form | {"quirks": ["no-such-habit"]}).status_code == 200
    assert client.post(page, form | {"quirks": ["reversed-limit-range", "undeclared-leakage"]}).status_code == 302

    with platform_scope("test"):
        changed = DeviceType.objects.get()
    assert changed.strictness == "lenient"
    assert changed.quirks == ["reversed-limit-range", "undeclared-leakage"]
    assert _CHECKED.findall(client.get(page).content.decode()) == changed.quirks
    (entry,) = audited("devices.devicetype.changed")
    assert entry["after"] == {"strictness": "lenient", "quirks": changed.quirks}


def test_a_type_that_devices_are_of_cannot_be_deleted(client: Client) -> None:
    volta = make_tenant("Volta", Tenant.Kind.MANUFACTURER)
    used, unused = make_device_type(volta), make_device_type(volta, model="Two")
    make_device(make_site(make_tenant("Alder")), used)
    client.force_login(make_member(volta))

    assert client.post(f"{TYPES}{used.pk}/delete/", {"post": "yes"}).status_code == 403
    assert client.post(f"{TYPES}{unused.pk}/delete/", {"post": "yes"}).status_code == 302

    with platform_scope("test"):
        assert DeviceType.objects.get() == used


def test_a_manufacturer_sees_no_households(client: Client) -> None:
    client.force_login(make_member(make_tenant("Volta", Tenant.Kind.MANUFACTURER)))

    for url in (SITES, DEVICES, NODES, LINKS):
        assert client.get(url).status_code == 403


def test_a_cem_is_added_by_hand_and_paired_with_an_rm(client: Client, alder: Household) -> None:
    client.force_login(make_member(alder.tenant))

    client.post(f"{NODES}add/", {"site": str(alder.site.pk), "name": "box"})
    with tenant_scope(alder.tenant.pk):
        box = Node.objects.get(name="box")
        assert (box.role, box.hosted, box.tenant) == (Node.Role.CEM, False, alder.tenant)
    response = client.post(f"{LINKS}add/", {"rm_node": str(alder.rm_node.pk), "cem_node": str(box.pk)})

    assert response.status_code == 302
    with tenant_scope(alder.tenant.pk):
        assert Link.objects.get().cem_node == box


def test_an_operator_cannot_pair_nodes_of_two_tenants(client: Client, alder: Household) -> None:
    birch = make_household("Birch")
    client.force_login(make_operator())

    response = client.post(f"{LINKS}add/", {"rm_node": str(alder.rm_node.pk), "cem_node": str(birch.cem_node.pk)})

    assert response.context["errors"] == [["Both ends of a link belong to one tenant."]]


def test_a_site_can_be_deleted_with_all_that_is_in_it(client: Client, alder: Household) -> None:
    client.force_login(make_member(alder.tenant))

    assert client.get(f"{SITES}{alder.site.pk}/delete/").status_code == 200
    assert client.post(f"{SITES}{alder.site.pk}/delete/", {"post": "yes"}).status_code == 302

    with tenant_scope(alder.tenant.pk):
        assert not Node.objects.exists()
    assert len(audited("devices.site.deleted")) == 1
