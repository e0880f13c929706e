"""The key-encryption keys: the entries of SECRETS_KEYS, newest first.

Those of a file are read each time that one is wanted, which is rare since data keys are kept unwrapped. So a change of
the file needs no restart, and no process wraps with a key that has been taken out since it began.
"""

from __future__ import annotations

import base64
import logging
from pathlib import Path

from django.conf import settings

from flexhub.env import secret_keys
from tenants.envelope import Box, BoxNotOpened, Key, derived_key

logger = logging.getLogger(__name__)


class KeysUnreadable(RuntimeError):
    """SECRETS_KEYS_FILE cannot be read now, so it is not known which key is the newest."""


def newest_key() -> Key:
    """What wraps from now on. Raises KeysUnreadable."""
    return _key(_entries()[0])


def key_of(box: Box) -> Key:
    """What has wrapped this. Raises BoxNotOpened when we do not have it (any more)."""
    try:
        entries = _entries()
    except KeysUnreadable as error:
        logger.warning("%s; going on with the keys that were there at the start", error)
        entries = settings.SECRETS_KEYS
    for key in map(_key, entries):
        if key.id == box.key_id:
            return key
    raise BoxNotOpened("the key-encryption key is not among SECRETS_KEYS")


def known_ids() -> list[str]:
    """The ids of all, newest first. Raises KeysUnreadable."""
    return [_key(entry).id for entry in _entries()]


def _entries() -> list[str]:
    if not settings.SECRETS_KEYS_FILE:
        return list(settings.SECRETS_KEYS)
    try:
        return secret_keys(Path(settings.SECRETS_KEYS_FILE).read_text(encoding="utf-8").strip())
    except (OSError, ValueError):
        # Their texts might quote what was read.
        raise KeysUnreadable("SECRETS_KEYS_FILE cannot be read") from None


def _key(entry: str) -> Key:
    return derived_key(base64.urlsafe_b64decode(entry), "wraps data keys")
