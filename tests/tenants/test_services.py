import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError

from tenants.models import Membership, Tenant, User
from tenants.scope import identity_scope, platform_scope, tenant_scope
from tenants.services import (
    create_api_client,
    create_household,
    create_member,
    create_membership,
    create_tenant,
    end_membership,
)
from tests.support.registry import audited, make_customer, make_member, make_operator, make_resident, make_tenant, query

pytestmark = pytest.mark.django_db


def test_creates_a_tenant_and_says_so_in_its_trail() -> None:
    tenant = create_tenant(name="Alder", kind=Tenant.Kind.PROVIDER)

    (entry,) = audited("tenants.tenant.created")
    assert entry["tenant_id"] == tenant.pk
    assert (entry["object_type"], entry["object_name"], entry["actor_type"]) == ("tenants.tenant", "Alder", "system")
    assert entry["after"]["kind"] == "PROVIDER"


@pytest.mark.parametrize(("name", "kind"), [("", Tenant.Kind.PROVIDER), ("Alder", Tenant.Kind.PROVIDER), ("Ash", "?")])
def test_refuses_a_tenant_without_a_name_of_its_own_or_of_unknown_kind(name: str, kind: Tenant.Kind) -> None:
    make_tenant("Alder")

    with pytest.raises(ValidationError):
        create_tenant(name=name, kind=kind)


def test_creates_a_member_who_may_sign_in_to_the_admin() -> None:
    alder, olga = make_tenant("Alder"), make_operator()

    user = create_member(tenant=alder, username="ann", password="a long and odd one", email="ann@x.test", actor=olga)

    assert user.is_staff
    assert not user.is_superuser
    assert user.check_password("a long and odd one")
    assert user.tenant == alder
    entry = audited("tenants.user.created")[-1]
    assert (entry["tenant_id"], entry["actor_name"], entry["after"]["password"]) == (alder.pk, "olga", "(secret)")


def test_refuses_a_weak_password_and_leaves_no_user() -> None:
    alder = make_tenant("Alder")

    with pytest.raises(ValidationError):
        create_member(tenant=alder, username="ann", password="1234")

    with identity_scope("test"):
        assert not User.objects.filter(username="ann").exists()


def test_refuses_a_name_that_someone_of_another_tenant_has() -> None:
    make_member(make_tenant("Alder"), "ann")

    with pytest.raises(ValidationError):
        make_member(make_tenant("Birch"), "ann")


def test_a_member_without_a_password_cannot_sign_in_with_one() -> None:
    assert not make_member(make_tenant("Alder")).has_usable_password()


def test_two_tenants_may_name_their_clients_alike_and_one_may_not() -> None:
    alder, birch = make_tenant("Alder"), make_tenant("Birch")
    create_api_client(tenant=alder, name="portal")

    create_api_client(tenant=birch, name="portal")

    with pytest.raises(ValidationError):
        create_api_client(tenant=alder, name="portal")


def test_a_membership_reads_like_a_sentence() -> None:
    alder = make_tenant("Alder")
    make_member(alder, "ann")

    with tenant_scope(alder.pk):
        assert str(Membership.objects.get()) == "ann of Alder"


def test_a_person_may_belong_to_several_tenants_once_each() -> None:
    alder, birch, olga = make_tenant("Alder"), make_tenant("Birch"), make_operator()
    ann = make_member(alder, "ann")

    membership = create_membership(user=ann, tenant=birch, role=Membership.Role.MEMBER, actor=olga)

    assert [(each.tenant, each.role) for each in ann.all_memberships] == [(alder, "ADMIN"), (birch, "MEMBER")]
    entry = audited("tenants.membership.created")[-1]
    assert (entry["tenant_id"], entry["object_id"], entry["actor_name"]) == (birch.pk, str(membership.pk), "olga")
    with pytest.raises(ValidationError, match="already"):
        create_membership(user=ann, tenant=birch)


def test_a_membership_ends_and_the_person_stays() -> None:
    ann = make_member(make_tenant("Alder"), "ann")
    assert ann.membership is not None

    end_membership(ann.membership)

    ann.forget_memberships()
    assert ann.tenant is None
    assert audited("tenants.membership.deleted")[0]["before"]["role"] == "ADMIN"


def test_a_resident_belongs_to_a_household_of_a_provider() -> None:
    alder, maker = make_tenant("Alder"), make_tenant("Maker", Tenant.Kind.MANUFACTURER)
    smiths = create_household(tenant=alder, name="Smiths")

    assert make_resident(smiths, "rose").household_id == smiths.pk
    assert audited("tenants.household.created")[0]["object_name"] == "Smiths"
    for tenant, role, household in (
        (alder, Membership.Role.RESIDENT, None),
        (alder, Membership.Role.MEMBER, smiths),
        (make_tenant("Birch"), Membership.Role.RESIDENT, smiths),
        (maker, Membership.Role.RESIDENT, smiths),
    ):
        with pytest.raises(ValidationError):
            create_member(tenant=tenant, username="ruth", password=None, role=role, household=household)
    with pytest.raises(ValidationError, match="Only a provider"):
        create_household(tenant=maker, name="Smiths")


def test_postgresql_refuses_a_membership_in_another_tenants_household() -> None:
    smiths = make_customer(make_tenant("Alder"), "Smiths")
    birch = make_tenant("Birch")
    ann = make_member(make_tenant("Ash"), "ann")

    with pytest.raises(IntegrityError, match="membership_household_same_tenant"), platform_scope("test"):  # noqa: PT012
        Membership.objects.create(user=ann, tenant=birch, role="RESIDENT", household=smiths)
        query("SET CONSTRAINTS ALL IMMEDIATE")
