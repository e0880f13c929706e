"""Staff who look at what is a tenant's leave a row in that tenant's trail.

Whoever sees all tenants works for the platform, and its customers may know what was looked at: which object, or how
many rows of which list. What a person looks at again within some minutes is one look, so that a page which refreshes
itself leaves one row and not thousands.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import timedelta
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Model
from django.utils import timezone

from tenants import audit
from tenants.models import AuditEntry, Membership, User

ONE_LOOK = timedelta(minutes=10)
_FILTER_CHARACTERS = 500


def note_object(user: User, obj: Model, *, what: str = "") -> None:
    """The page of an object. `what` names the page where it is not the object's own: `portal.conversation`."""
    tenant_id = next(iter(_owners(user, [obj])), None)
    if tenant_id is None:
        return
    row = audit.entry(
        f"{what or obj._meta.label_lower}.viewed",
        tenant_id=tenant_id,
        object_type=obj._meta.label_lower,
        object_id=str(obj.pk),
        object_name=str(obj),
        actor=user,
    )
    if tenant_id not in _looked_already(row):
        row.save(force_insert=True)


def note_list(
    user: User, rows: Iterable[Model], *, what: str, name: str, filters: Mapping[str, Iterable[str]] | None = None
) -> None:
    """A page with these rows, into the trail of each tenant that has some among them.

    What was searched for is told where one tenant owns them all: else it might name what is another one's.
    """
    owners = _owners(user, rows)
    if not owners:
        return
    chosen = _in_words(filters or {}, whole=len(owners) == 1)
    looks = [
        audit.entry(f"{what}.listed", tenant_id=owner, object_type=what, object_id="", object_name=name, actor=user)
        for owner in owners
    ]
    for look in looks:
        look.after = {"filter": chosen, "rows": owners[look.tenant_id]}
    seen = _looked_already(looks[0], filter_=chosen)
    AuditEntry.objects.bulk_create([look for look in looks if look.tenant_id not in seen])


def _owners(user: User, rows: Iterable[Model]) -> Counter[UUID | None]:
    """How many of the rows are whose; without those that the person works for, and of the platform itself."""
    if not user.sees_all_tenants:
        return Counter()
    rows = list(rows)
    people = [row.pk for row in rows if isinstance(row, User)]
    owners: Counter[UUID | None] = Counter(
        Membership.objects.filter(user_id__in=people).values_list("tenant_id", flat=True) if people else ()
    )
    owners.update(audit.tenant_id_of(row) for row in rows if not isinstance(row, User))
    del owners[None]
    if user.tenant is not None:
        del owners[user.tenant.pk]
    return owners


def _looked_already(look: AuditEntry, *, filter_: str | None = None) -> set[UUID | None]:
    """The tenants in whose trail there is such a row already."""
    same = AuditEntry.objects.filter(
        actor_type=look.actor_type,
        actor_id=look.actor_id,
        action=look.action,
        object_id=look.object_id,
        at__gte=timezone.now() - ONE_LOOK,
    )
    if filter_ is not None:
        same = same.filter(after__filter=filter_)
    return set(same.values_list("tenant_id", flat=True))


def _in_words(filters: Mapping[str, Iterable[str]], *, whole: bool) -> str:
    pairs = [(name, value) for name, values in sorted(filters.items()) for value in values if value]
    text = urlencode(pairs) if whole else "&".join(sorted({name for name, _ in pairs}))
    return text[:_FILTER_CHARACTERS]
