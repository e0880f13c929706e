"""Sessions of signed-in people, stored under a digest of their key and sealed with it.

The key in a person's cookie is all that it takes to be that person. Django keeps it in the clear, so that a copy of the
table would be a bunch of keys; here the copy opens nothing. Nor can it be read: while a second factor is being set up,
its seed is in the session. Django finds this module by the setting SESSION_ENGINE.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from django.contrib.sessions.backends import db
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db.models import QuerySet
from django.utils import timezone

from tenants.envelope import BoxNotOpened, Key, derived_key, read_box

# What the column of Django's table has room for: 240 bits in base64.
_DIGEST_BYTES = 30


class SessionStore(db.SessionStore):
    """As Django's own. Only what meets the table differs: `session_key` is the person's, its row has the digest."""

    def encode(self, session_dict: dict[str, Any]) -> str:
        return self._sealing_key().seal(super().encode(session_dict).encode())

    def decode(self, session_data: bytes | str) -> dict[str, Any]:
        """Empty, as Django has it, for what another key has sealed."""
        try:
            signed = self._sealing_key().open(read_box(str(session_data)))
        except BoxNotOpened:
            return {}
        values: dict[str, Any] = super().decode(signed.decode())
        return values

    def exists(self, session_key: str) -> bool:
        return self._rows_of(session_key).exists()

    async def aexists(self, session_key: str) -> bool:
        return await self._rows_of(session_key).aexists()

    def create_model_instance(self, data: dict[str, Any]) -> AbstractBaseSession:
        return _stored(super().create_model_instance(data))

    async def acreate_model_instance(self, data: dict[str, Any]) -> AbstractBaseSession:
        return _stored(await super().acreate_model_instance(data))

    def delete(self, session_key: str | None = None) -> None:
        self._rows_of(session_key or self.session_key).delete()

    async def adelete(self, session_key: str | None = None) -> None:
        await self._rows_of(session_key or self.session_key).adelete()

    def _get_session_from_db(self) -> AbstractBaseSession | None:
        return self._found(self._living().first())

    async def _aget_session_from_db(self) -> AbstractBaseSession | None:
        return self._found(await self._living().afirst())

    def _sealing_key(self) -> Key:
        """Raises ValueError for a session that has no key (yet): nothing of it is stored."""
        if self.session_key is None:
            raise ValueError("a session without a key has no contents")
        return derived_key(self.session_key.encode("utf-8", "replace"), "seals a session")

    def _living(self) -> QuerySet[AbstractBaseSession]:
        return self._rows_of(self.session_key).filter(expire_date__gt=timezone.now())

    def _rows_of(self, session_key: str | None) -> QuerySet[AbstractBaseSession]:
        return self.model.objects.filter(session_key=digest(session_key or ""))

    def _found(self, row: AbstractBaseSession | None) -> AbstractBaseSession | None:
        """A key that opens nothing is given up, as Django does it: the next to sign in gets a new one."""
        if row is None:
            self._session_key = None
        return row


def digest(session_key: str) -> str:
    """A fast hash will do: the key is random, with 165 bits. Text that is no valid Unicode has a digest too."""
    whole = hashlib.sha256(session_key.encode("utf-8", "replace")).digest()
    return base64.urlsafe_b64encode(whole[:_DIGEST_BYTES]).decode("ascii")


def _stored(row: AbstractBaseSession) -> AbstractBaseSession:
    row.session_key = digest(row.session_key)
    return row
