"""The data keys of tenants, and of the platform (tenant None): found or made, unwrapped, kept at hand.

Which key is for new texts is asked of the database each time and never remembered: a process that did remember would go
on sealing with a key that is being dropped. Only opened keys are kept, by their ids, which mean the same for ever.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import partial
from uuid import UUID, uuid4

from django.db import transaction

from tenants import audit, key_ring
from tenants.envelope import BoxNotOpened, Key, new_key_material, read_box
from tenants.key_cache import KeyCache
from tenants.models import DataKey
from tenants.scope import platform_scope, tenant_scope

# A key and its place in the cache take about 1 KiB.
_opened = KeyCache(limit=2_000)

# FOR SHARE, which Django cannot say: many may seal at once, and none of them lets the key be retired meanwhile.
_OF_TENANT = "SELECT * FROM tenants_datakey WHERE retired_at IS NULL AND tenant_id = %s FOR SHARE"
_OF_PLATFORM = "SELECT * FROM tenants_datakey WHERE retired_at IS NULL AND tenant_id IS NULL FOR SHARE"


def scope_of(tenant_id: UUID | None) -> AbstractContextManager[None]:
    """Where the secrets of this tenant, or of the platform, can be seen."""
    return platform_scope("the platform's own secrets") if tenant_id is None else tenant_scope(tenant_id)


def key_for_new_texts(tenant_id: UUID | None) -> Key:
    """Made with the first secret. It stays the one for new texts until the transaction around the call has ended.

    Raises BoxNotOpened when its key-encryption key is gone, and KeysUnreadable.
    """
    with _keys_visible():
        # Found again after each try to make one: another process may have been first, or have put a new one in place.
        while (row := _current(tenant_id)) is None:
            make(tenant_id)
        return _at_hand(row)


def key_named(key_id: str, tenant_id: UUID | None) -> Key:
    """Raises BoxNotOpened when there is none, when it is another tenant's, and when its key-encryption key is gone."""
    key = _opened.get(key_id)
    if key is not None:
        return key
    with _keys_visible():
        row = DataKey.objects.of(tenant_id).filter(pk=_uuid(key_id)).first()
        if row is None:
            raise BoxNotOpened("the data key is gone, or another tenant's")
        return _at_hand(row)


def _keys_visible() -> AbstractContextManager[None]:
    """Not the tenant's scope: a household sees no keys, and what is sealed for its tenant may still be its to open."""
    return platform_scope("find the key of a secret")


def make(tenant_id: UUID | None, *, actor: audit.Actor = None) -> None:
    """A key for new texts, unless there is one already. Needs the tenant's scope. Raises KeysUnreadable."""
    row = DataKey(pk=uuid4(), tenant_id=tenant_id)
    wrapping = key_ring.newest_key()
    row.wrapped = wrapping.seal(new_key_material(), *place_of(row))
    # The constraint decides between two who are here at once; the second waits for the first one's commit.
    DataKey.objects.bulk_create([row], ignore_conflicts=True)
    if DataKey.objects.filter(pk=row.pk).exists():
        audit.record("tenants.datakey.created", row, actor=actor, after={"wrapped_by": wrapping.id})


def place_of(row: DataKey) -> tuple[str, str, str]:
    """What a wrapped key is bound to."""
    return "data key", str(row.tenant_id or ""), row.pk.hex


def material_of(row: DataKey) -> bytes:
    """Raises BoxNotOpened."""
    box = read_box(row.wrapped)
    return key_ring.key_of(box).open(box, *place_of(row))


def _current(tenant_id: UUID | None) -> DataKey | None:
    rows = DataKey.objects.raw(_OF_PLATFORM) if tenant_id is None else DataKey.objects.raw(_OF_TENANT, [tenant_id])
    return next(iter(rows), None)


def _at_hand(row: DataKey) -> Key:
    key = _opened.get(row.pk.hex)
    if key is None:
        key = Key(row.pk.hex, material_of(row))
        # A key that is taken back with its transaction must not seal anything afterwards.
        transaction.on_commit(partial(_opened.put, key))
    return key


def _uuid(key_id: str) -> UUID:
    try:
        return UUID(hex=key_id)
    except ValueError:
        raise BoxNotOpened("this is no sealed text") from None
