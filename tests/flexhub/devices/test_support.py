"""Support access: what a manufacturer sees of one device and what it does not, enforced by PostgreSQL."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, ProgrammingError, connection, models, transaction
from django.utils import timezone

from cem_service.models import Instruction
from flexhub.devices.models import Device, DeviceType, Link, Node, Site, SupportGrant
from flexhub.devices.support import grant_support, note_look, revoke_support, supported_devices
from flexhub.pairing.models import NodeToken
from tenants import origin
from tenants.models import AuditEntry, Tenant
from tenants.origin import Origin
from tenants.scope import platform_scope, tenant_scope
from tests.support.registry import (
    Household,
    audited,
    make_device,
    make_device_type,
    make_household,
    make_member,
    make_tenant,
)

pytestmark = pytest.mark.django_db

A_DAY = timedelta(days=1)


@pytest.fixture
def alder() -> Household:
    """Whose house has a second device of the same make."""
    alder = make_household("Alder")
    make_device(alder.site, alder.device.device_type, name="Another battery")
    return alder


@pytest.fixture
def maker(alder: Household) -> Tenant:
    return alder.device.device_type.tenant


def grant_of(alder: Household) -> SupportGrant:
    return grant_support(alder.device, ends_at=timezone.now() + A_DAY)


def seen_by(tenant: Tenant, model: type[models.Model]) -> list[object]:
    with tenant_scope(tenant.pk):
        # Devices and nodes come ordered by site, and whoever cannot see the site would see nothing of them either.
        return list(model._default_manager.order_by().values_list("pk", flat=True))


def test_shows_the_device_its_node_and_its_link_and_nothing_of_the_site(alder: Household, maker: Tenant) -> None:
    assert seen_by(maker, Device) == []

    grant = grant_of(alder)

    assert seen_by(maker, SupportGrant) == [grant.pk]
    assert seen_by(maker, Device) == [alder.device.pk]
    assert seen_by(maker, Node) == [alder.rm_node.pk]
    assert seen_by(maker, Link) == [alder.link.pk]
    for model in (Site, NodeToken, Instruction):
        assert seen_by(maker, model) == []
    with tenant_scope(maker.pk):
        trail = str(list(AuditEntry.objects.values()))
    assert "devices.supportgrant.received" in trail
    assert not any(word in trail for word in ("Alder", str(alder.site.pk)))


def test_nobody_else_sees_anything_of_it(alder: Household) -> None:
    grant_of(alder)
    others = (make_household("Birch").tenant, make_device_type().tenant, make_tenant("Pools", Tenant.Kind.AGGREGATOR))

    for other in others:
        assert seen_by(other, SupportGrant) == []
        assert alder.device.pk not in seen_by(other, Device)
        assert alder.rm_node.pk not in seen_by(other, Node)
        assert alder.link.pk not in seen_by(other, Link)


def test_whoever_may_look_may_change_nothing(alder: Household, maker: Tenant) -> None:
    grant = grant_of(alder)

    with tenant_scope(maker.pk):
        assert Device.objects.update(name="Mine") == 0
        assert Node.objects.update(name="Mine") == 0
        assert SupportGrant.objects.update(ends_at=timezone.now() + 300 * A_DAY) == 0
        assert SupportGrant.objects.all()._raw_delete("default") == 0
        assert Link.objects.all()._raw_delete("default") == 0
        with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
            SupportGrant.objects.create(
                tenant=alder.tenant, device=alder.device, manufacturer=maker, ends_at=grant.ends_at
            )


def test_nobody_grants_what_is_not_theirs(alder: Household) -> None:
    """A plain key would take the id of another tenant's device."""
    birch = make_tenant("Birch")

    with tenant_scope(birch.pk), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        with pytest.raises(IntegrityError, match="support_grant_same_tenant"), transaction.atomic():
            SupportGrant.objects.create(
                tenant=birch, device=alder.device, manufacturer=birch, ends_at=timezone.now() + A_DAY
            )


def test_ends_by_itself_and_by_being_revoked(alder: Household, maker: Tenant) -> None:
    grant = grant_of(alder)
    with tenant_scope(alder.tenant.pk):
        # To PostgreSQL it is as late as when the test's transaction began.
        SupportGrant.objects.update(ends_at=timezone.now() - timedelta(hours=1))
    assert seen_by(maker, Device) == seen_by(maker, Node) == seen_by(maker, Link) == []

    longer = grant_of(alder)
    assert seen_by(maker, Device) == [alder.device.pk]

    for each in (grant, longer, longer):
        revoke_support(each)
    assert seen_by(maker, Device) == seen_by(maker, Node) == seen_by(maker, Link) == []
    assert len(audited("devices.supportgrant.revoked")) == 1


def test_ends_with_the_product_that_it_was_given_for(alder: Household, maker: Tenant) -> None:
    grant_of(alder)
    other_type = make_device_type()
    with tenant_scope(alder.tenant.pk):
        Device.objects.filter(pk=alder.device.pk).update(device_type=other_type)

    for tenant in (maker, other_type.tenant):
        assert seen_by(tenant, Device) == seen_by(tenant, Node) == seen_by(tenant, Link) == []
        with tenant_scope(tenant.pk):
            assert supported_devices(tenant) == []


def test_says_what_is_wrong_with_its_end(alder: Household) -> None:
    now = timezone.now()

    with pytest.raises(ValidationError, match="ends in the future"):
        grant_support(alder.device, ends_at=now)
    with pytest.raises(ValidationError, match="At most 30 days"):
        grant_support(alder.device, ends_at=now + 31 * A_DAY)


def test_is_not_for_a_device_of_ones_own_make(alder: Household) -> None:
    with platform_scope("a test takes a product over"):
        DeviceType.objects.filter(pk=alder.device.device_type_id).update(tenant=alder.tenant)
        device = Device.objects.select_related("device_type").get(pk=alder.device.pk)

    with pytest.raises(ValidationError, match="manufacturer is its owner"):
        grant_support(device, ends_at=timezone.now() + A_DAY)


def test_both_sides_find_it_in_their_trail(alder: Household, maker: Tenant) -> None:
    with origin.bound(Origin(ip="203.0.113.7")):
        revoke_support(grant_of(alder), actor=make_member(alder.tenant, "ann"))

    (given,) = audited("devices.supportgrant.given")
    (revoked,) = audited("devices.supportgrant.revoked")
    assert {given["tenant_id"], revoked["tenant_id"]} == {alder.tenant.pk}
    assert revoked["actor_name"] == "ann"
    told = audited("devices.supportgrant.received") + audited("devices.supportgrant.ended")
    assert [entry["tenant_id"] for entry in told] == [maker.pk, maker.pk]
    assert all(alder.device.serial_number == entry["after"]["serial_number"] for entry in told)
    assert revoked["ip"] == "203.0.113.7"
    hidden = ("Alder", "ann", revoked["ip"], revoked["trace_id"], str(alder.site.pk), str(alder.tenant.pk))
    assert not [word for word in hidden if word in str(told)]


def test_a_manufacturer_is_shown_products_and_no_names(alder: Household, maker: Tenant) -> None:
    grant_of(alder)
    last = grant_support(alder.device, ends_at=timezone.now() + 2 * A_DAY)

    with tenant_scope(maker.pk):
        (device,) = supported_devices(maker)

    assert device.serial_number == alder.device.serial_number
    assert (device.brand, device.ends_at) == (alder.device.device_type.brand, last.ends_at)
    assert "Alder" not in str(device)
    assert "Alder" not in str(last)


def test_a_look_is_told_to_the_owner(alder: Household, maker: Tenant) -> None:
    grant_of(alder)
    person = make_member(maker, "mia")

    with tenant_scope(maker.pk):
        (device,) = supported_devices(maker)
        note_look(device, "conversation", actor=person)

    (entry,) = audited("devices.device.viewed_for_support")
    assert (entry["tenant_id"], entry["actor_name"]) == (alder.tenant.pk, "mia")
    assert (entry["object_id"], entry["object_name"]) == (str(alder.device.pk), "Alder battery")
    assert entry["after"] == {"page": "conversation", "manufacturer": maker.name}
