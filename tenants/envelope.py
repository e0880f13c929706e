"""Sealing as arithmetic: AES-256-GCM, the text that it yields, and keys. Pure.

A *data key* seals texts, a *key-encryption key* wraps data keys. Both boxes look alike:

    1.<id of the key>.<nonce>.<cipher text with its tag>

The first part is the version of this form, the last two are base64url. What a box belongs to is not written in it, but
bound to it as additional data: in another place it does not open. Nonces are random, which NIST SP 800-38D allows for
2^32 texts under one key; no tenant of ours comes near that.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
_NONCE_BYTES = 12
_ID_BYTES = 6
_VERSION = "1"


class BoxNotOpened(ValueError):
    """The text is damaged, belongs somewhere else, or was made with another key. Never says what was in it."""


@dataclass(frozen=True, slots=True)
class Box:
    key_id: str
    nonce: bytes
    cipher_text: bytes

    def __str__(self) -> str:
        return ".".join((_VERSION, self.key_id, _in_base64(self.nonce), _in_base64(self.cipher_text)))


class Key:
    """32 bytes with the id by which boxes name them."""

    __slots__ = ("_cipher", "id")

    def __init__(self, key_id: str, material: bytes) -> None:
        self.id = key_id
        self._cipher = AESGCM(material)

    def __repr__(self) -> str:
        return f"Key({self.id})"

    def seal(self, content: bytes, *place: str) -> str:
        """A box that opens only with the same `place`. Twice the same content yields two boxes."""
        nonce = os.urandom(_NONCE_BYTES)
        return str(Box(self.id, nonce, self._cipher.encrypt(nonce, content, self._bound(place))))

    def open(self, box: Box, *place: str) -> bytes:
        """The inverse of `seal`. Raises BoxNotOpened."""
        try:
            return self._cipher.decrypt(box.nonce, box.cipher_text, self._bound(place))
        except (InvalidTag, ValueError):
            raise BoxNotOpened("a sealed text does not open here") from None

    def _bound(self, place: tuple[str, ...]) -> bytes:
        # As JSON no two places look alike, whatever is in their parts.
        return json.dumps([_VERSION, self.id, *place]).encode()


def new_key_material() -> bytes:
    return os.urandom(KEY_BYTES)


def derived_key(secret: bytes, purpose: str) -> Key:
    """The key for one purpose that follows from a random secret (RFC 5869), as its id does. Neither tells about it."""
    material, key_id = _derived(secret, purpose, KEY_BYTES), _derived(secret, f"id of {purpose}", _ID_BYTES)
    return Key(key_id.hex(), material)


def read_box(text: str) -> Box:
    """Raises BoxNotOpened for a text that is no box."""
    version, _, rest = text.partition(".")
    parts = rest.split(".")
    if version != _VERSION or len(parts) != 3:
        raise BoxNotOpened("this is no sealed text")
    key_id, nonce, cipher_text = parts
    return Box(key_id, _from_base64(nonce), _from_base64(cipher_text))


def start_of_boxes(key_id: str) -> str:
    """What every box of this key begins with, and none of another."""
    return f"{_VERSION}.{key_id}."


def _derived(secret: bytes, purpose: str, length: int) -> bytes:
    return HKDF(SHA256(), length, salt=None, info=f"flexhub {purpose}".encode()).derive(secret)


def _in_base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode("ascii").rstrip("=")


def _from_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise BoxNotOpened("this is no sealed text") from None
