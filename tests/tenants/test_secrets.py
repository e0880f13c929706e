from __future__ import annotations

import pytest
from cryptography.fernet import Fernet
from pytest_django import Settings

from tenants.secrets import SealedWithAnotherKeyError, seal, seal_again, unseal

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


def test_what_was_sealed_can_be_read_again_by_us_alone(settings: Settings) -> None:
    settings.SECRETS_KEYS = [OLD]

    sealed = seal("geheim ✓")

    assert "geheim" not in sealed
    assert sealed.isascii()
    assert unseal(sealed) == "geheim ✓"
    assert seal("geheim ✓") != sealed
    settings.SECRETS_KEYS = [NEW]
    with pytest.raises(SealedWithAnotherKeyError):
        unseal(sealed)


def test_a_key_is_changed_without_losing_anything(settings: Settings) -> None:
    settings.SECRETS_KEYS = [OLD]
    sealed = seal("token")

    settings.SECRETS_KEYS = [NEW, OLD]
    again = seal_again(sealed)

    assert unseal(sealed) == "token"
    settings.SECRETS_KEYS = [NEW]
    assert unseal(again) == "token"


@pytest.mark.parametrize("damaged", ["", "x", "gAAAAABnonsense"])
def test_says_what_it_cannot_read_without_showing_it(damaged: str) -> None:
    with pytest.raises(SealedWithAnotherKeyError, match="SECRETS_KEYS") as caught:
        unseal(damaged)

    assert caught.value.__cause__ is None
