from tenants.api_scopes import DESCRIPTIONS, scopes_of
from tenants.models import Tenant


def test_every_kind_of_tenant_has_an_entry_of_scopes_that_are_described() -> None:
    for kind in Tenant.Kind:
        assert scopes_of(kind) <= set(DESCRIPTIONS)


def test_somebody_may_ask_for_each_scope() -> None:
    assert set().union(*(scopes_of(kind) for kind in Tenant.Kind)) == set(DESCRIPTIONS)
