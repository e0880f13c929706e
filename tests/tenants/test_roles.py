import itertools

import pytest

from tenants.models import Membership, Tenant
from tenants.roles import ROLES, allows, allows_app, role_of

ADMIN, MEMBER, RESIDENT = Membership.Role.ADMIN, Membership.Role.MEMBER, Membership.Role.RESIDENT
PROVIDER, MANUFACTURER, AGGREGATOR, OPERATOR = (
    Tenant.Kind.PROVIDER,
    Tenant.Kind.MANUFACTURER,
    Tenant.Kind.AGGREGATOR,
    Tenant.Kind.OPERATOR,
)


def test_the_table_has_each_combination_that_there_is() -> None:
    assert set(ROLES) == {*itertools.product(Tenant.Kind, (ADMIN, MEMBER)), (PROVIDER, RESIDENT)}


@pytest.mark.parametrize("kind", Tenant.Kind)
def test_an_admin_may_do_all_that_a_member_may(kind: str) -> None:
    admin, member = ROLES[kind, ADMIN], ROLES[kind, MEMBER]

    assert (member.view <= admin.view, member.edit <= admin.edit, member.change <= admin.change) == (True,) * 3


def test_a_combination_that_there_is_not_may_do_nothing() -> None:
    odd = role_of(Membership(tenant=Tenant(kind=MANUFACTURER), role=RESIDENT))

    assert not odd.entries()


@pytest.mark.parametrize(
    ("kind", "role", "permission"),
    [
        (OPERATOR, MEMBER, "tenants.change_user"),
        (OPERATOR, ADMIN, "any.custom"),
        (PROVIDER, MEMBER, "devices.view_site"),
        (PROVIDER, MEMBER, "devices.add_site"),
        (PROVIDER, MEMBER, "devices.view_devicetype"),
        (PROVIDER, MEMBER, "tenants.change_household"),
        (PROVIDER, ADMIN, "cem_service.view_planrun"),
        (PROVIDER, ADMIN, "tenants.change_membership"),
        (PROVIDER, RESIDENT, "devices.view_site"),
        (PROVIDER, RESIDENT, "cem_service.view_instruction"),
        (PROVIDER, RESIDENT, "cem_service.change_siteobjectives"),
        (MANUFACTURER, MEMBER, "devices.change_devicetype"),
        (AGGREGATOR, MEMBER, "flexibility.view_pool"),
        (AGGREGATOR, ADMIN, "tenants.delete_apiclient"),
    ],
)
def test_allows(kind: str, role: str, permission: str) -> None:
    assert allows(ROLES[kind, role], permission)


@pytest.mark.parametrize(
    ("kind", "role", "permission"),
    [
        (PROVIDER, ADMIN, "devices.change_devicetype"),
        (PROVIDER, ADMIN, "tenants.view_user"),
        (PROVIDER, ADMIN, "tenants.view_tenant"),
        (PROVIDER, ADMIN, "devices.operate_site"),
        (PROVIDER, MEMBER, "tenants.view_membership"),
        (PROVIDER, MEMBER, "tenants.view_apiclient"),
        (PROVIDER, MEMBER, "tenants.view_auditentry"),
        (PROVIDER, RESIDENT, "devices.change_site"),
        (PROVIDER, RESIDENT, "devices.add_device"),
        (PROVIDER, RESIDENT, "cem_service.add_siteobjectives"),
        (PROVIDER, RESIDENT, "cem_service.delete_siteobjectives"),
        (PROVIDER, RESIDENT, "cem_service.view_tariff"),
        (PROVIDER, RESIDENT, "tenants.view_household"),
        (PROVIDER, RESIDENT, "pairing.view_nodetoken"),
        (MANUFACTURER, ADMIN, "devices.view_site"),
        (MANUFACTURER, ADMIN, "devices.view_device"),
        (AGGREGATOR, ADMIN, "devices.view_site"),
        (AGGREGATOR, ADMIN, "cem_service.view_planrun"),
        (AGGREGATOR, ADMIN, "flexibility.change_pool"),
        (PROVIDER, ADMIN, "nonsense"),
    ],
)
def test_refuses(kind: str, role: str, permission: str) -> None:
    assert not allows(ROLES[kind, role], permission)


def test_shows_the_apps_of_which_something_is_allowed() -> None:
    assert allows_app(ROLES[PROVIDER, MEMBER], "devices")
    assert allows_app(ROLES[PROVIDER, RESIDENT], "cem_service")
    assert allows_app(ROLES[OPERATOR, MEMBER], "auth")
    assert not allows_app(ROLES[AGGREGATOR, ADMIN], "devices")
