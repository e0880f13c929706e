from __future__ import annotations

import io
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from pytest_django import Settings

from tenants.scope import platform_scope
from tenants.secrets import seal
from tests.support.registry import Household, make_household
from tests.support.sealed import data_keys_of, keep_token, token_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def alder() -> Household:
    return make_household("Alder")


def rotate_secrets(*arguments: Any) -> str:
    output = io.StringIO()
    call_command("rotate_secrets", *arguments, stdout=output)
    return output.getvalue()


def test_shows_when_an_old_key_may_go(alder: Household, settings: Settings) -> None:
    row, old = keep_token(alder), settings.SECRETS_KEYS
    settings.SECRETS_KEYS = [Fernet.generate_key().decode(), *old]
    first, second, _ = rotate_secrets("status").splitlines()
    assert first.endswith("first, data keys: 0")
    assert second.endswith("in use, data keys: 1")

    assert rotate_secrets("key-encryption-key") == "Data keys wrapped again: 1.\n"

    first, second, _ = rotate_secrets("status").splitlines()
    assert first.endswith("first, data keys: 1")
    assert second.endswith("may be removed, data keys: 0")
    settings.SECRETS_KEYS = settings.SECRETS_KEYS[:1]
    assert token_of(row) == "geheim"


def test_says_when_a_key_is_missing(alder: Household, settings: Settings) -> None:
    keep_token(alder)
    settings.SECRETS_KEYS = [Fernet.generate_key().decode()]

    assert "MISSING, data keys: 1" in rotate_secrets("status")
    with pytest.raises(CommandError, match="not among SECRETS_KEYS: 1"):
        rotate_secrets("key-encryption-key")
    with pytest.raises(CommandError, match="entered anew"):
        rotate_secrets("data-key", "--tenant", "Alder")


def test_changes_the_data_key_of_one_tenant(alder: Household) -> None:
    row = keep_token(alder)
    other = keep_token(make_household("Birch"))

    told = rotate_secrets("data-key", "--tenant", "Alder")

    assert told.startswith("Secrets sealed again: 1. Beat drops")
    assert [key.retired_at is None for key in data_keys_of(row.tenant_id)] == [False, True]
    assert len(data_keys_of(other.tenant_id)) == 1
    assert token_of(row) == "geheim"
    assert "Data keys being replaced: 1." in rotate_secrets("status")


@pytest.mark.parametrize(("whose", "counts"), [("--platform", (1, 2)), ("--all", (2, 2))])
def test_changes_the_platforms_and_everybodys(alder: Household, whose: str, counts: tuple[int, int]) -> None:
    keep_token(alder)
    with platform_scope("test"):
        seal("of the platform", tenant_id=None, field="pairing.dialledend.token")

    rotate_secrets("data-key", whose)

    assert (len(data_keys_of(alder.tenant.pk)), len(data_keys_of(None))) == counts


def test_refuses_what_it_cannot_do(settings: Settings) -> None:
    with pytest.raises(CommandError, match="--tenant: there is no tenant 'Nobody'"):
        rotate_secrets("data-key", "--tenant", "Nobody")
    with pytest.raises(CommandError, match="required"):
        rotate_secrets("data-key")
    settings.SECRETS_KEYS_FILE = "/nowhere/keys"
    with pytest.raises(CommandError, match="put the file back"):
        rotate_secrets("key-encryption-key")
