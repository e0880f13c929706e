"""Secrets that we have to be able to read again, encrypted at rest, such as tokens that we show to others.

What is only ever compared is hashed instead (`tenants.tokens`). Each tenant has a data key of its own, wrapped by a
key-encryption key of the setting SECRETS_KEYS (`tenants.data_keys`). A sealed text is bound to its tenant and its
field: moved elsewhere, it does not open.
"""

from __future__ import annotations

from functools import lru_cache
from uuid import UUID

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.transaction import TransactionManagementError

from tenants import data_keys, sealed_fields
from tenants.envelope import BoxNotOpened, read_box

# What every text of Fernet begins with: its version 0x80 and the first bytes of a time before the year 2106.
_FERNET = "gAAAA"


class SealedWithAnotherKeyError(RuntimeError):
    """None of our keys opens this here: a key is missing, or the text was damaged, or moved."""

    def __init__(self) -> None:
        super().__init__("a secret cannot be read with the keys in SECRETS_KEYS")


def seal(secret: str, *, tenant_id: UUID | None, field: str) -> str:
    """Encrypt for a field of this tenant's; None: of the platform's. Twice the same secret yields two texts.

    To be called in the transaction that stores the text: until it ends, nobody takes the key out of use.
    Raises TransactionManagementError without one, UnknownSealedField, and SealedWithAnotherKeyError when the tenant's
    own key cannot be opened.
    """
    sealed_fields.named(field)
    if not connections[DEFAULT_DB_ALIAS].in_atomic_block:
        raise TransactionManagementError("seal a secret in the transaction that stores it")
    try:
        key = data_keys.key_for_new_texts(tenant_id)
    except BoxNotOpened:
        raise SealedWithAnotherKeyError from None
    return key.seal(secret.encode(), *_place(tenant_id, field))


def unseal(sealed: str, *, tenant_id: UUID | None, field: str) -> str:
    """The inverse of `seal`. Raises SealedWithAnotherKeyError."""
    try:
        if sealed.startswith(_FERNET):
            return _opened_by_fernet(sealed)
        box = read_box(sealed)
        return data_keys.key_named(box.key_id, tenant_id).open(box, *_place(tenant_id, field)).decode()
    except BoxNotOpened:
        raise SealedWithAnotherKeyError from None


def _place(tenant_id: UUID | None, field: str) -> tuple[str, str, str]:
    return "secret", str(tenant_id or ""), field


def _opened_by_fernet(sealed: str) -> str:
    """As sealed before there were data keys; `manage.py seal_secrets` leaves none of these. Raises BoxNotOpened."""
    try:
        return _fernet(tuple(settings.SECRETS_KEYS)).decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise BoxNotOpened("Fernet does not open this") from None


@lru_cache(maxsize=4)
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])
