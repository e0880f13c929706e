import pytest

from tenants.models import Tenant
from tenants.roles import ROLES, allows, allows_app

PROVIDER, MANUFACTURER, AGGREGATOR, OPERATOR = (
    Tenant.Kind.PROVIDER,
    Tenant.Kind.MANUFACTURER,
    Tenant.Kind.AGGREGATOR,
    Tenant.Kind.OPERATOR,
)


def test_every_kind_of_tenant_has_a_role() -> None:
    assert set(ROLES) == set(Tenant.Kind)


@pytest.mark.parametrize(
    ("kind", "permission"),
    [
        (OPERATOR, "tenants.change_user"),
        (OPERATOR, "any.custom"),
        (PROVIDER, "devices.view_site"),
        (PROVIDER, "devices.add_site"),
        (PROVIDER, "devices.view_devicetype"),
        (PROVIDER, "cem_service.view_planrun"),
        (MANUFACTURER, "devices.change_devicetype"),
        (AGGREGATOR, "flexibility.view_pool"),
        (AGGREGATOR, "tenants.delete_apiclient"),
    ],
)
def test_allows(kind: str, permission: str) -> None:
    assert allows(kind, permission)


@pytest.mark.parametrize(
    ("kind", "permission"),
    [
        (PROVIDER, "devices.change_devicetype"),
        (PROVIDER, "tenants.view_user"),
        (PROVIDER, "tenants.view_tenant"),
        (PROVIDER, "devices.operate_site"),
        (MANUFACTURER, "devices.view_site"),
        (MANUFACTURER, "devices.view_device"),
        (AGGREGATOR, "devices.view_site"),
        (AGGREGATOR, "cem_service.view_planrun"),
        (AGGREGATOR, "flexibility.change_pool"),
        (PROVIDER, "nonsense"),
    ],
)
def test_refuses(kind: str, permission: str) -> None:
    assert not allows(kind, permission)


def test_shows_the_apps_of_which_something_is_allowed() -> None:
    assert allows_app(PROVIDER, "devices")
    assert allows_app(OPERATOR, "auth")
    assert not allows_app(AGGREGATOR, "devices")
