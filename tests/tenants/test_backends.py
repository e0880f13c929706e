import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import Client

from tenants.backends import RoleBackend
from tenants.models import Tenant
from tenants.services import create_member
from tests.support.registry import make_member, make_operator, make_stranger, make_tenant

pytestmark = pytest.mark.django_db


def test_gives_what_the_kind_of_the_tenant_allows() -> None:
    ann = make_member(make_tenant("Alder"))

    assert ann.has_perm("devices.view_site")
    assert ann.has_module_perms("devices")
    assert not ann.has_perm("tenants.view_user")
    assert not ann.has_module_perms("flexibility")


def test_gives_operators_everything() -> None:
    assert make_operator().has_perm("tenants.change_user")


def test_gives_nothing_to_who_works_for_nobody_or_is_switched_off() -> None:
    stranger = make_stranger()
    ann = make_member(make_tenant("Alder", Tenant.Kind.OPERATOR))
    ann.is_active = False

    for user in (stranger, ann):
        assert not user.has_perm("devices.view_site")
        assert not user.has_module_perms("devices")
    assert not RoleBackend().has_perm(AnonymousUser(), "devices.view_site")


def test_signs_a_member_in_with_a_password() -> None:
    create_member(tenant=make_tenant("Alder"), username="ann", password="a long and odd one")

    assert Client().login(username="ann", password="a long and odd one")
    assert not Client().login(username="ann", password="another")
