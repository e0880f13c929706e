from __future__ import annotations

from pathlib import Path

import pytest

from flexhub.devices.models import Device, DeviceType, Link, Site
from flexhub.load import registry
from flexhub.load.engine.targets import read_targets
from flexhub.pairing.models import NodeToken
from flexhub.pairing.services import authenticate_node
from s2.messages import EnergyManagementRole
from tenants.models import Tenant
from tenants.scope import platform_scope, tenant_scope
from tests.support.registry import audited, make_device, make_device_type, make_household, make_tenant

pytestmark = pytest.mark.django_db


def prepare(tenant: Tenant, out: Path, number: int = 3, per_site: int = 2, *, building_cems: bool = False) -> None:
    registry.prepare(tenant=tenant, number=number, per_site=per_site, building_cems=building_cems, out=out)


def rows_of(tenant: Tenant) -> tuple[int, int, int]:
    with tenant_scope(tenant.pk):
        return Site.objects.count(), Device.objects.count(), NodeToken.objects.count()


def test_registers_devices_whose_tokens_open_their_nodes(tmp_path: Path, redis_url: str) -> None:
    alder = make_tenant("Alder")

    prepare(alder, tmp_path / "out")

    targets = read_targets(tmp_path / "out")
    assert len({each.node for each in targets}) == 3
    for target in targets:
        identity = authenticate_node(target.node, target.token)
        assert identity is not None
        assert identity.tenant_id == alder.pk
        assert identity.peer_hosted
    assert rows_of(alder) == (2, 3, 3)


def test_each_row_has_its_audit_row(tmp_path: Path, redis_url: str) -> None:
    prepare(make_tenant("Alder"), tmp_path / "out")

    assert len(audited("devices.site.created")) == 2
    assert len(audited("devices.device.created")) == 3
    assert len(audited("pairing.nodetoken.issued")) == 3
    (device_type,) = audited("devices.devicetype.created")
    assert device_type["object_name"] == "Flexhub load test"


def test_preparing_again_adds_more_of_the_same_type(tmp_path: Path, redis_url: str) -> None:
    alder = make_tenant("Alder")

    prepare(alder, tmp_path / "one")
    prepare(alder, tmp_path / "two")

    assert rows_of(alder) == (4, 6, 6)
    with tenant_scope(alder.pk):
        assert DeviceType.objects.filter(tenant=alder).count() == 1


def test_a_building_has_one_cem_with_a_link_to_each_device(tmp_path: Path, redis_url: str) -> None:
    alder = make_tenant("Alder")

    prepare(alder, tmp_path / "out", number=3, per_site=2, building_cems=True)

    targets = read_targets(tmp_path / "out")
    rms = [each for each in targets if each.role is EnergyManagementRole.RM]
    cems = [each for each in targets if each.role is EnergyManagementRole.CEM]
    assert [each.peer for each in cems] == [each.node for each in rms]
    assert len({(each.node, each.token) for each in cems}) == 2
    with tenant_scope(alder.pk):
        assert {(link.rm_node_id, link.cem_node_id) for link in Link.objects.all()} == {
            (each.peer, each.node) for each in cems
        }


def test_a_file_that_cannot_be_written_leaves_no_rows(tmp_path: Path, redis_url: str) -> None:
    alder = make_tenant("Alder")

    with pytest.raises(FileNotFoundError):
        prepare(alder, tmp_path / "nowhere" / "out")

    assert rows_of(alder) == (0, 0, 0)


def test_clean_takes_everything_away_again(tmp_path: Path, redis_url: str) -> None:
    alder = make_tenant("Alder")
    prepare(alder, tmp_path / "out", building_cems=True)

    assert registry.clean(tenant=alder) == 2

    assert rows_of(alder) == (0, 0, 0)
    assert len(audited("devices.site.deleted")) == 2
    with platform_scope("a test counts"):
        assert not DeviceType.objects.exists()
    assert registry.clean(tenant=alder) == 0


def test_clean_leaves_what_no_load_test_made(tmp_path: Path, redis_url: str) -> None:
    household, birch = make_household("Alder"), make_tenant("Birch")
    prepare(household.tenant, tmp_path / "alder")
    prepare(birch, tmp_path / "birch")
    with tenant_scope(household.tenant.pk):
        mixed = Site.objects.filter(name__startswith="Load test").first()
        assert mixed is not None
    make_device(mixed, make_device_type(), "A real one")

    assert registry.strangers_of(household.tenant) == 2
    assert registry.clean(tenant=household.tenant) == 1

    with tenant_scope(household.tenant.pk):
        assert {site.pk for site in Site.objects.all()} == {household.site.pk, mixed.pk}
    assert rows_of(birch) == (2, 3, 3)


def test_finds_a_provider_by_name_or_id() -> None:
    alder = make_tenant("Alder")

    assert registry.provider("Alder") == registry.provider(str(alder.pk)) == alder


def test_says_who_cannot_have_devices() -> None:
    make_tenant("Volta", Tenant.Kind.MANUFACTURER)

    with pytest.raises(registry.UnknownTenant, match="Birch"):
        registry.provider("Birch")
    with pytest.raises(registry.NotAProvider, match="manufacturer"):
        registry.provider("Volta")
