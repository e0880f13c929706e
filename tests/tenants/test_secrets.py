from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from uuid import UUID, uuid4

import pytest
from cryptography.fernet import Fernet
from django.db.transaction import TransactionManagementError
from pytest_django import Settings

from tenants.models import DataKey, Household
from tenants.scope import identity_scope, platform_scope, tenant_scope
from tenants.sealed_fields import UnknownSealedField
from tenants.secrets import SealedWithAnotherKeyError, seal, unseal
from tests.support.registry import audited, make_tenant

FIELD = "pairing.dialledend.token"
OTHER_KEY = Fernet.generate_key().decode()

pytestmark = pytest.mark.django_db


def test_what_was_sealed_can_be_read_again_by_us_alone(settings: Settings) -> None:
    alder = make_tenant("Alder").pk

    sealed = seal("geheim ✓", tenant_id=alder, field=FIELD)

    assert "geheim" not in sealed
    assert unseal(sealed, tenant_id=alder, field=FIELD) == "geheim ✓"
    assert seal("geheim ✓", tenant_id=alder, field=FIELD) != sealed
    settings.SECRETS_KEYS = [OTHER_KEY]
    with pytest.raises(SealedWithAnotherKeyError, match="SECRETS_KEYS"):
        unseal(sealed, tenant_id=alder, field=FIELD)
    with pytest.raises(SealedWithAnotherKeyError):
        seal("more", tenant_id=alder, field=FIELD)


def test_a_tenant_gets_a_key_with_its_first_secret() -> None:
    alder = make_tenant("Alder").pk

    for secret in ("one", "two"):
        seal(secret, tenant_id=alder, field=FIELD)

    with tenant_scope(alder):
        (key,) = DataKey.objects.all()
    (entry,) = audited("tenants.datakey.created")
    assert (entry["tenant_id"], entry["object_id"]) == (alder, str(key.pk))
    assert key.wrapped.split(".")[1] == entry["after"]["wrapped_by"]
    assert key.wrapped.split(".")[3] not in str(entry)


def test_a_text_opens_for_its_own_tenant_and_field_alone() -> None:
    alder, birch = make_tenant("Alder").pk, make_tenant("Birch").pk
    sealed = seal("geheim", tenant_id=alder, field=FIELD)

    for tenant_id, field in ((birch, FIELD), (None, FIELD), (uuid4(), FIELD), (alder, "pairing.dialledend.other")):
        with pytest.raises(SealedWithAnotherKeyError):
            unseal(sealed, tenant_id=tenant_id, field=field)


def test_the_platform_has_secrets_of_its_own() -> None:
    alder = make_tenant("Alder").pk
    sealed = seal("geheim", tenant_id=None, field=FIELD)

    assert unseal(sealed, tenant_id=None, field=FIELD) == "geheim"
    with tenant_scope(alder):
        assert not DataKey.objects.exists()
    with platform_scope("test"):
        assert DataKey.objects.get().tenant_id is None


def test_a_key_of_another_tenant_does_not_open_it_even_when_its_row_is_moved() -> None:
    alder, birch = make_tenant("Alder").pk, make_tenant("Birch").pk
    sealed = seal("geheim", tenant_id=alder, field=FIELD)

    with platform_scope("test"):
        DataKey.objects.update(tenant_id=birch)

    for tenant_id in (alder, birch):
        with pytest.raises(SealedWithAnotherKeyError):
            unseal(sealed, tenant_id=tenant_id, field=FIELD)


def another_tenant() -> AbstractContextManager[None]:
    return tenant_scope(make_tenant("Birch").pk)


def a_household() -> AbstractContextManager[None]:
    tenant = make_tenant("Birch")
    with tenant_scope(tenant.pk):
        household = Household.objects.create(tenant=tenant, name="Ann's")
    return tenant_scope(tenant.pk, household.pk)


def the_identities() -> AbstractContextManager[None]:
    return identity_scope("test")


@pytest.mark.parametrize("whose", [another_tenant, a_household, the_identities])
def test_works_inside_any_scope(whose: Callable[[], AbstractContextManager[None]]) -> None:
    alder = make_tenant("Alder").pk

    with whose():
        sealed = seal("geheim", tenant_id=alder, field=FIELD)
        assert unseal(sealed, tenant_id=alder, field=FIELD) == "geheim"
        assert not DataKey.objects.exists()


def test_what_fernet_has_sealed_still_opens(settings: Settings) -> None:
    settings.SECRETS_KEYS = [OTHER_KEY]
    before = Fernet(OTHER_KEY).encrypt(b"geheim").decode()

    assert unseal(before, tenant_id=uuid4(), field=FIELD) == "geheim"
    settings.SECRETS_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(SealedWithAnotherKeyError):
        unseal(before, tenant_id=uuid4(), field=FIELD)


@pytest.mark.parametrize(
    "damaged", ["", "x", "gAAAAABnonsense", "1.no-uuid.AAAA.AAAA", f"1.{UUID(int=7).hex}.AAAA.AAAA"]
)
def test_says_what_it_cannot_read_without_showing_it(damaged: str) -> None:
    with pytest.raises(SealedWithAnotherKeyError, match="SECRETS_KEYS") as caught:
        unseal(damaged, tenant_id=None, field=FIELD)

    assert caught.value.__cause__ is None


def test_seals_for_no_field_that_a_rotation_would_forget() -> None:
    with pytest.raises(UnknownSealedField):
        seal("geheim", tenant_id=None, field="nobody.knows")


@pytest.mark.django_db(transaction=True)
def test_seals_only_in_the_transaction_that_stores_it() -> None:
    with pytest.raises(TransactionManagementError, match="transaction that stores it"):
        seal("geheim", tenant_id=None, field=FIELD)
