from __future__ import annotations

import pytest
from django.db.models import ProtectedError

from flexhub.devices.models import DeviceType, Site
from flexhub.flexibility.services import create_pool, enrol_site
from flexhub.pairing.dialled import create_dialled_end
from flexhub.pairing.models import DialledEnd, NodeToken
from tenants import deletion
from tenants.models import Tenant
from tenants.scope import platform_scope, tenant_scope
from tests.support.registry import audited, make_household, make_member, make_tenant

pytestmark = pytest.mark.django_db


def test_what_goes_with_a_row_leaves_a_trace_of_its_own() -> None:
    alder = make_household("Alder")
    create_dialled_end(link=alder.link, role="RM", url="wss://ems.example/s2", token="secret")
    ann = make_member(alder.tenant, "ann")

    with tenant_scope(alder.tenant.pk):
        deletion.delete([alder.site], actor=ann)

    told = {
        kind: [(row["actor_name"], row["tenant_id"]) for row in audited(f"{kind}.deleted")]
        for kind in ("devices.site", "devices.device", "devices.link", "pairing.nodetoken", "pairing.dialledend")
    }
    assert all(rows == [("ann", alder.tenant.pk)] for rows in told.values()), told
    assert len(audited("devices.node.deleted")) == 2
    assert audited("pairing.dialledend.deleted")[0]["before"]["sealed_token"] == "(secret)"
    with platform_scope("test"):
        assert not any(model.objects.exists() for model in (Site, NodeToken, DialledEnd))


def test_a_provider_deletes_a_site_that_is_in_somebody_elses_pool() -> None:
    alder = make_household("Alder")
    pool = create_pool(tenant=make_tenant("Pools", Tenant.Kind.AGGREGATOR), name="secret name")
    enrol_site(pool=pool, site=alder.site)

    with tenant_scope(alder.tenant.pk):
        deletion.delete([alder.site], actor=None)

    assert audited("flexibility.enrolment.deleted")[0]["object_name"] == f"Alder house in pool {pool.pk}"


def test_what_is_protected_stays_and_nothing_is_said() -> None:
    alder = make_household("Alder")

    with pytest.raises(ProtectedError), platform_scope("test"):
        deletion.delete([alder.device.device_type], actor=None)

    assert not audited("devices.devicetype.deleted")
    with platform_scope("test"):
        assert DeviceType.objects.exists()


def test_of_nothing_it_deletes_nothing() -> None:
    assert deletion.delete([], actor=None) == 0
