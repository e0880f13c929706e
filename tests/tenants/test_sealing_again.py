from __future__ import annotations

import pytest
from cryptography.fernet import Fernet
from django.conf import settings
from pytest_django import Settings

from flexhub.pairing.dialled import create_dialled_end
from rm_adapters.models import VendorAccount
from tenants import sealed_fields
from tenants.scope import tenant_scope
from tenants.sealed_fields import SealedField
from tenants.sealing_again import Tally, is_used, owners, seal_again
from tenants.secrets import unseal
from tests.support.registry import Household, make_device, make_household
from tests.support.sealed import URL, data_keys_of, keep_token, sealed_text_of, store_text, token_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def alder() -> Household:
    return make_household("Alder")


def test_what_fernet_has_sealed_comes_under_the_data_key(alder: Household) -> None:
    row = keep_token(alder)
    store_text(row, Fernet(settings.SECRETS_KEYS[0]).encrypt(b"from before").decode())

    assert seal_again(alder.tenant.pk) == Tally(sealed=1)

    (key,) = data_keys_of(alder.tenant.pk)
    assert sealed_text_of(row).startswith(f"1.{key.pk.hex}.")
    assert token_of(row) == "from before"
    assert seal_again(alder.tenant.pk) == Tally()


def test_goes_through_all_rows_in_batches_and_past_what_it_cannot_open(alder: Household) -> None:
    links = [alder.link, *(make_device(alder.site, name=f"Device {number}").node.rm_link for number in (1, 2, 3))]
    rows = [create_dialled_end(link=link, role="RM", url=URL, token=f"token-{link.pk}") for link in links]
    for row in rows:
        store_text(row, Fernet(settings.SECRETS_KEYS[0]).encrypt(b"from before").decode())
    store_text(rows[1], "1.damaged.AAAA.AAAA")

    assert seal_again(alder.tenant.pk, batch=1) == Tally(sealed=3, unreadable=1)

    assert [token_of(row) for row in (rows[0], *rows[2:])] == ["from before"] * 3
    assert sealed_text_of(rows[1]) == "1.damaged.AAAA.AAAA"


def test_counts_all_as_unreadable_where_the_tenants_own_key_is(alder: Household, settings: Settings) -> None:
    keep_token(alder)
    settings.SECRETS_KEYS = [Fernet.generate_key().decode()]

    assert seal_again(alder.tenant.pk) == Tally(unreadable=1)


def test_finds_secrets_inside_json(alder: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    field = SealedField("tests.account.secret", model="rm_adapters.VendorAccount", column="devices", key="secret")
    monkeypatch.setattr(sealed_fields, "_fields", {field.name: field})
    before = Fernet(settings.SECRETS_KEYS[0]).encrypt(b"from before").decode()
    with tenant_scope(alder.tenant.pk):
        for name, devices in enumerate(({"secret": before, "other": [1]}, {"secret": ""}, {"other": before}, [])):
            VendorAccount.objects.create(tenant=alder.tenant, name=str(name), devices=devices)

    assert seal_again(alder.tenant.pk) == Tally(sealed=1)
    assert seal_again(alder.tenant.pk) == Tally()

    (key,) = data_keys_of(alder.tenant.pk)
    with tenant_scope(alder.tenant.pk):
        assert is_used(key.pk.hex, alder.tenant.pk)
        (row,) = VendorAccount.objects.filter(devices__other=[1])
    assert unseal(row.devices["secret"], tenant_id=alder.tenant.pk, field=field.name) == "from before"


def test_touches_nobody_elses(alder: Household) -> None:
    birch = make_household("Birch")
    row = keep_token(birch)
    before = Fernet(settings.SECRETS_KEYS[0]).encrypt(b"from before").decode()
    store_text(row, before)

    assert seal_again(alder.tenant.pk) == seal_again(None) == Tally()

    assert sealed_text_of(row) == before


def test_who_has_no_secrets_gets_no_key(alder: Household) -> None:
    keep_token(alder, "")

    seal_again(alder.tenant.pk)

    assert data_keys_of(alder.tenant.pk) == []


def test_everybody_may_have_secrets(alder: Household) -> None:
    assert set(owners()) >= {None, alder.tenant.pk}
