"""Secrets that we have to be able to read again, encrypted at rest: tokens that we show to others.

What is only ever compared is hashed instead (`tenants.tokens`). The keys are the setting SECRETS_KEYS: the first one
seals, any of them opens, so a key is changed by putting a new one in front and sealing everything again.
"""

from __future__ import annotations

from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class SealedWithAnotherKeyError(RuntimeError):
    """None of our keys opens this: the key is missing from SECRETS_KEYS, or the text was damaged."""


def seal(secret: str) -> str:
    """Encrypt. Twice the same secret yields two texts."""
    return _box().encrypt(secret.encode()).decode("ascii")


def unseal(sealed: str) -> str:
    """The inverse of `seal`. Raises SealedWithAnotherKeyError."""
    try:
        return _box().decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise SealedWithAnotherKeyError("a secret cannot be read with the keys in SECRETS_KEYS") from None


def seal_again(sealed: str) -> str:
    """The same secret under the first key. Raises SealedWithAnotherKeyError."""
    return seal(unseal(sealed))


def _box() -> MultiFernet:
    return _box_of(tuple(settings.SECRETS_KEYS))


@lru_cache(maxsize=4)
def _box_of(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])
