from __future__ import annotations

from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError

from flexhub.devices.models import Link, Node
from flexhub.devices.services import (
    ForeignNodeError,
    create_cem_node,
    hosted_cem_of,
    is_in_use,
    link_nodes,
    set_main_meter,
)
from tenants.models import Tenant
from tenants.scope import current_tenant_id, platform_scope, tenant_scope
from tests.support.registry import (
    audited,
    make_device,
    make_device_type,
    make_household,
    make_member,
    make_site,
    make_tenant,
)

pytestmark = pytest.mark.django_db


def test_creates_a_site_with_its_hosted_cem() -> None:
    alder = make_tenant("Alder")
    ann = make_member(alder, "ann")

    site = make_site(alder, "Alder house", export_limit_w=5000, actor=ann)

    with tenant_scope(alder.pk):
        cem = hosted_cem_of(site)
    assert (cem.role, cem.hosted, cem.tenant_id, cem.device) == (Node.Role.CEM, True, alder.pk, None)
    (entry,) = audited("devices.site.created")
    assert (entry["actor_name"], entry["tenant_id"], entry["after"]["export_limit_w"]) == ("ann", alder.pk, 5000)
    assert len(audited("devices.node.created")) == 1


def test_leaves_nothing_behind_when_a_part_is_refused() -> None:
    alder = make_tenant("Alder")
    site = make_site(alder)
    device = make_device(site)

    with pytest.raises(ValidationError):
        make_device(site, name="Second", node_id=device.node.pk)

    with tenant_scope(alder.pk):
        assert site.devices.count() == 1
    assert len(audited("devices.device.created")) == 1


@pytest.mark.parametrize("hosted", [False, True])
def test_says_of_a_device_whether_we_run_its_rm(hosted: bool) -> None:
    device = make_device(make_site(make_tenant("Alder")), hosted=hosted)

    assert device.node.hosted is hosted


def test_creates_a_device_with_a_node_that_is_linked_to_the_hosted_cem() -> None:
    alder = make_tenant("Alder")
    site = make_site(alder)
    node_id = uuid4()

    device = make_device(site, name="Battery", node_id=node_id)

    assert device.node.pk == node_id
    assert (device.node.role, device.node.hosted, device.node.name) == (Node.Role.RM, False, "Battery")
    with tenant_scope(alder.pk):
        assert device.node.rm_link.cem_node == hosted_cem_of(site)
    assert len(audited("devices.link.created")) == 1


def test_uses_a_device_type_of_a_manufacturer() -> None:
    maker = make_tenant("Volta", Tenant.Kind.MANUFACTURER)
    device_type = make_device_type(maker)
    assert not is_in_use(device_type)

    device = make_device(make_site(make_tenant("Alder")), device_type)

    assert device.device_type.tenant_id == maker.pk
    with tenant_scope(maker.pk):
        assert is_in_use(device_type)


def test_refuses_the_same_device_twice() -> None:
    site = make_site(make_tenant("Alder"))
    device_type = make_device_type()
    make_device(site, device_type, serial_number="SN-1", name="One")

    with pytest.raises(ValidationError):
        make_device(site, device_type, serial_number="SN-1", name="Two")


def test_pairs_an_rm_anew_and_ends_the_old_pairing() -> None:
    alder = make_household("Alder")
    box = create_cem_node(site=alder.site, name="box")

    link = link_nodes(rm_node=alder.rm_node, cem_node=box)

    with tenant_scope(alder.tenant.pk):
        assert Link.objects.get() == link
    assert link.pk != alder.link.pk
    (entry,) = audited("devices.link.deleted")
    assert entry["object_id"] == str(alder.link.pk)


def test_refuses_to_pair_wrong_ends() -> None:
    alder, birch = make_household("Alder"), make_household("Birch")

    for rm_node, cem_node in (
        (alder.cem_node, alder.cem_node),
        (alder.rm_node, alder.rm_node),
        (alder.rm_node, birch.cem_node),
    ):
        with pytest.raises(ForeignNodeError):
            link_nodes(rm_node=rm_node, cem_node=cem_node)


def test_sets_and_clears_the_main_meter() -> None:
    alder = make_household("Alder")

    set_main_meter(site=alder.site, node=alder.rm_node)
    with tenant_scope(alder.tenant.pk):
        alder.site.refresh_from_db()
        assert alder.site.main_meter == alder.rm_node

    set_main_meter(site=alder.site, node=None)
    assert alder.site.main_meter is None
    assert [entry["after"]["main_meter_id"] for entry in audited("devices.site.changed")] == [
        str(alder.rm_node.pk),
        None,
    ]


def test_refuses_a_main_meter_of_elsewhere_or_a_cem() -> None:
    alder, birch = make_household("Alder"), make_household("Birch")

    for node in (birch.rm_node, alder.cem_node):
        with pytest.raises(ForeignNodeError):
            set_main_meter(site=alder.site, node=node)


def test_works_in_its_tenants_scope_whatever_scope_is_open() -> None:
    alder = make_tenant("Alder")

    with platform_scope("test"):
        make_site(alder)
        assert current_tenant_id() is None
