from __future__ import annotations

import io

import pytest
from cryptography.fernet import Fernet
from django.conf import settings
from django.core.management import CommandError, call_command

from tests.support.registry import make_household
from tests.support.sealed import keep_token, sealed_text_of, store_text, token_of

pytestmark = pytest.mark.django_db


def test_moves_every_secret_to_its_tenants_data_key() -> None:
    rows = [keep_token(make_household(name)) for name in ("Alder", "Birch")]
    for row in rows:
        store_text(row, Fernet(settings.SECRETS_KEYS[0]).encrypt(b"from before").decode())
    output = io.StringIO()

    call_command("seal_secrets", stdout=output)

    assert output.getvalue() == "Secrets sealed again: 2.\n"
    assert [token_of(row) for row in rows] == ["from before"] * 2
    assert all(sealed_text_of(row).startswith("1.") for row in rows)


def test_says_how_many_cannot_be_opened() -> None:
    store_text(keep_token(make_household("Alder")), "1.damaged.AAAA.AAAA")

    with pytest.raises(CommandError, match="none of our keys opens: 1"):
        call_command("seal_secrets", stdout=io.StringIO())
