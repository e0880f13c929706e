"""Changing keys while the hub runs.

*A key-encryption key* is changed by wrapping every data key again; no secret is touched. *A data key* is changed in
three steps: another takes its place for new texts, what it has sealed is sealed again (`tenants.sealing_again`), and
once nobody can still hold a text of it, it is dropped. `finish_rotations` does the last two for whatever was begun.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from tenants import audit, data_keys, key_ring
from tenants.audit import Actor
from tenants.data_keys import scope_of
from tenants.envelope import BoxNotOpened, Key, read_box, start_of_boxes
from tenants.models import DataKey
from tenants.rotation_lock import await_turn
from tenants.scope import platform_scope
from tenants.sealing_again import Tally, is_used, seal_again

_BATCH = 100
# A request or a task reads a sealed text, and opens it within its time limit of a minute; this is several of those.
GRACE = timedelta(minutes=5)


def wrap_again(*, actor: Actor = None) -> Tally:
    """Every data key under the newest key-encryption key, so that the others can go. Raises KeysUnreadable."""
    newest, tally, after = key_ring.newest_key(), Tally(), None
    while True:
        last, done = _wrap_batch(newest, after=after, actor=actor)
        tally += done
        if last is None:
            return tally
        after = last


def replace_data_key(tenant_id: UUID | None, *, now: datetime, actor: Actor = None) -> None:
    """Another key for new texts, from the commit on. A tenant without secrets has no key, and gets none.

    Raises KeysUnreadable.
    """
    with scope_of(tenant_id):
        await_turn()
        row = DataKey.objects.of(tenant_id).select_for_update(of=("self",)).filter(retired_at=None).first()
        if row is None:
            return
        DataKey.objects.filter(pk=row.pk).update(retired_at=now)
        audit.record("tenants.datakey.retired", row, actor=actor, after={"retired_at": now})
        data_keys.make(tenant_id, actor=actor)


def finish_rotations(*, now: datetime) -> Tally:
    """Seal again what retired keys have sealed, and drop those that are no longer needed. Returns what was sealed."""
    with platform_scope("finish rotations of data keys"):
        retired = list(DataKey.objects.exclude(retired_at=None).order_by("pk"))
    tally = Tally()
    for tenant_id in sorted({row.tenant_id for row in retired}, key=str):
        tally += seal_again(tenant_id)
    for row in retired:
        if row.retired_at is not None and row.retired_at + GRACE <= now:
            _drop_unused(row)
    return tally


def _drop_unused(row: DataKey) -> None:
    with scope_of(row.tenant_id):
        await_turn()
        if not is_used(row.pk.hex, row.tenant_id) and DataKey.objects.filter(pk=row.pk).exists():
            audit.record("tenants.datakey.dropped", row, actor=None)
            row.delete()


def _wrap_batch(newest: Key, *, after: UUID | None, actor: Actor) -> tuple[UUID | None, Tally]:
    """The key of the last row that was looked at, None at the end; and what was done."""
    tally, last = Tally(), None
    with platform_scope("wrap data keys again"):
        await_turn()
        rows = DataKey.objects.exclude(wrapped__startswith=start_of_boxes(newest.id))
        rows = rows if after is None else rows.filter(pk__gt=after)
        for row in rows.select_for_update(of=("self",)).order_by("pk")[:_BATCH]:
            last = row.pk
            try:
                material = data_keys.material_of(row)
            except BoxNotOpened:
                tally.unreadable += 1
                continue
            before = {"wrapped_by": read_box(row.wrapped).key_id}
            row.wrapped = newest.seal(material, *data_keys.place_of(row))
            row.save(update_fields=["wrapped"])
            after_it = {"wrapped_by": newest.id}
            audit.record("tenants.datakey.wrapped_again", row, actor=actor, before=before, after=after_it)
            tally.sealed += 1
    return last, tally
