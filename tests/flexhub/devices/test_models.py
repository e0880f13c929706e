"""What the database refuses whoever writes, and which values the models take."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db.utils import IntegrityError

from flexhub.devices.models import Device, DeviceType, Link, Node, Site, validate_timezone
from flexhub.devices.services import create_cem_node, set_main_meter
from flexhub.pairing.models import NodeToken
from tenants.scope import platform_scope, tenant_scope
from tests.support.registry import Household, make_device, make_household, make_site, make_tenant, query


@contextmanager
def _refused(constraint: str) -> Iterator[None]:
    """In the platform's scope, so that the constraint and not the policy refuses."""
    with pytest.raises(IntegrityError, match=constraint), platform_scope("test"):  # noqa: PT012 - Keys wait for commit.
        yield
        query("SET CONSTRAINTS ALL IMMEDIATE")


@pytest.fixture
def alder(db: None) -> Household:
    return make_household("Alder")


@pytest.fixture
def birch(db: None) -> Household:
    return make_household("Birch")


def test_an_rm_node_has_one_link(alder: Household) -> None:
    with _refused("devices_link_rm_node_id_key"):
        Link.objects.create(tenant=alder.tenant, rm_node=alder.rm_node, cem_node=alder.cem_node)


def test_a_link_ends_in_an_rm_and_a_cem(alder: Household) -> None:
    with _refused("link_rm_same_tenant"):
        Link.objects.create(tenant=alder.tenant, rm_node=alder.cem_node, cem_node=alder.cem_node)
    with _refused("link_cem_same_tenant"):
        query("UPDATE devices_link SET cem_node_id = rm_node_id WHERE id = %s", alder.link.pk)


def test_a_linked_node_keeps_its_role(alder: Household) -> None:
    with _refused("link_cem_same_tenant"):
        Node.objects.filter(pk=alder.cem_node.pk).update(role="RM")


def test_a_link_stays_within_a_tenant(alder: Household, birch: Household) -> None:
    with _refused("link_cem_same_tenant"):
        Link.objects.filter(pk=alder.link.pk).update(cem_node=birch.cem_node)
    with _refused("link_.*_same_tenant"):
        Link.objects.filter(pk=alder.link.pk).update(tenant=birch.tenant)


def test_a_device_and_its_node_stay_in_a_site_of_their_tenant(alder: Household, birch: Household) -> None:
    with _refused("device_site_same_tenant"):
        query("UPDATE devices_node SET device_id = NULL WHERE id = %s", alder.rm_node.pk)
        Device.objects.filter(pk=alder.device.pk).update(site=birch.site)
    with _refused("node_site_same_tenant"):
        query("UPDATE devices_node SET site_id = %s, hosted = false WHERE id = %s", birch.site.pk, alder.cem_node.pk)
    other = make_site(alder.tenant, "Shed")
    with _refused("node_device_same_site"):
        Node.objects.filter(pk=alder.rm_node.pk).update(site=other)


def test_a_site_is_measured_by_a_node_of_its_own(alder: Household, birch: Household) -> None:
    with _refused("main_meter_same_site"):
        Site.objects.filter(pk=alder.site.pk).update(main_meter=birch.rm_node)


def test_a_site_has_one_hosted_cem(alder: Household) -> None:
    with _refused("one_hosted_cem_per_site"):
        Node.objects.create(tenant=alder.tenant, site=alder.site, role="CEM", hosted=True, name="second")
    create_cem_node(site=alder.site, name="box in the cellar")


def test_a_cem_has_no_device(alder: Household) -> None:
    with _refused("only_rm_has_device"):
        Node.objects.filter(pk=alder.rm_node.pk).update(role="CEM")


def test_a_device_has_one_node(alder: Household) -> None:
    with _refused("devices_node_device_id_key"):
        Node.objects.create(tenant=alder.tenant, site=alder.site, role="RM", device=alder.device, name="second")


def test_a_site_has_a_fuse(alder: Household) -> None:
    with _refused("site_fuse_limit_positive"):
        Site.objects.filter(pk=alder.site.pk).update(fuse_limit_w=0)


def test_a_node_is_a_cem_or_an_rm(alder: Household) -> None:
    with _refused("node_role"):
        Node.objects.create(tenant=alder.tenant, site=alder.site, role="XYZ", name="odd")


def test_a_site_goes_with_all_that_is_in_it(alder: Household) -> None:
    meter = make_device(alder.site, name="Meter").node
    set_main_meter(site=alder.site, node=meter)

    with tenant_scope(alder.tenant.pk):
        alder.site.delete()
        query("SET CONSTRAINTS ALL IMMEDIATE")

    with platform_scope("test"):
        for model in (Site, Device, Node, Link, NodeToken):
            assert not model._default_manager.filter(tenant=alder.tenant).exists()


def test_show_themselves_by_name(alder: Household) -> None:
    assert str(alder.site) == "Alder house"
    assert str(alder.device) == "Alder battery"
    assert str(alder.rm_node) == "Alder battery (RM)"
    assert str(alder.link) == "Alder battery ↔ CEM of Alder house"


@pytest.mark.parametrize("name", ["", "Europe", "Europe/Atlantis", "../etc/passwd", "/etc/localtime", "x\0y"])
def test_refuses_what_is_no_time_zone(name: str) -> None:
    with pytest.raises(ValidationError, match="is not a time zone"):
        validate_timezone(name)


@pytest.mark.parametrize("name", ["UTC", "Europe/Amsterdam"])
def test_takes_a_time_zone(name: str) -> None:
    validate_timezone(name)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "values", [{"timezone": "Mars"}, {"fuse_limit_w": 0}, {"fuse_limit_w": -1}, {"export_limit_w": -1}, {"name": ""}]
)
def test_refuses_a_site_with(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        make_site(make_tenant("Alder"), **values)


def test_a_device_type_is_strict_unless_told_otherwise(alder: Household) -> None:
    with tenant_scope(alder.tenant.pk):
        device_type = DeviceType.objects.get(pk=alder.device.device_type_id)

    assert (device_type.strictness, device_type.quirks) == ("strict", [])


@pytest.mark.parametrize("field", ["messages_per_s", "burst"])
def test_a_device_type_may_send_something(alder: Household, field: str) -> None:
    with _refused("device_type_pace_positive"):
        DeviceType.objects.filter(pk=alder.device.device_type_id).update(**{field: 0})


def test_strictness_and_quirks_have_names_that_we_know(alder: Household) -> None:
    device_type = alder.device.device_type
    device_type.quirks = ["undeclared-leakage", "no-such-habit"]
    with pytest.raises(ValidationError, match="no-such-habit"), tenant_scope(device_type.tenant_id):
        device_type.full_clean()
    with _refused("device_type_strictness"):
        DeviceType.objects.filter(pk=device_type.pk).update(strictness="whatever")


def test_a_process_that_knows_neither_strictness_nor_pace_can_add_a_device_type(alder: Household) -> None:
    columns = "id, tenant_id, brand, model, kind"
    with platform_scope("test"):
        query(
            f"INSERT INTO devices_devicetype ({columns}) SELECT gen_random_uuid(), tenant_id, brand, 'Next', kind "
            "FROM devices_devicetype"
        )
        added = DeviceType.objects.get(model="Next")

    assert (added.strictness, added.quirks, added.messages_per_s, added.burst) == ("strict", [], 20, 200)
