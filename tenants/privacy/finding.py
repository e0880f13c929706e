"""What there is about a household, and which rows of the trail tell of it."""

from __future__ import annotations

import re
from dataclasses import replace

from django.db import connection
from django.db.models import Q, QuerySet

from tenants.models import AuditEntry, Household
from tenants.privacy.holdings import Things, holdings
from tenants.scope import platform_scope

# Each round finds what hangs on what the one before found: a site, its nodes, their tokens.
_ROUNDS = 6
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MENTIONED = """
    SELECT DISTINCT object_type, object_id FROM tenants_auditentry
    WHERE tenant_id = %(tenant)s AND object_id <> '' AND (object_id = ANY(%(ids)s) OR EXISTS (
        SELECT FROM jsonb_each_text(CASE WHEN jsonb_typeof(before) = 'object' THEN before ELSE '{}' END) AS b
        WHERE b.value = ANY(%(ids)s)
    ) OR EXISTS (
        SELECT FROM jsonb_each_text(CASE WHEN jsonb_typeof(after) = 'object' THEN after ELSE '{}' END) AS a
        WHERE a.value = ANY(%(ids)s)
    ))
"""

Objects = set[tuple[str, str]]


class UnknownHousehold(LookupError):
    """No household of a tenant has this name or id."""


def household_named(tenant: str, household: str) -> Household:
    """By names or ids. Raises UnknownHousehold."""
    with platform_scope("find a household by name"):
        rows = Household.objects.select_related("tenant")
        found = rows.filter(_named("tenant__", tenant) & _named("", household)).first()
    if found is None:
        raise UnknownHousehold(f"There is no household {household!r} of a tenant {tenant!r}.")
    return found


def _named(path: str, text: str) -> Q:
    named = Q(**{f"{path}name": text})
    return named | Q(**{f"{path}id": text}) if _UUID.fullmatch(text.lower()) else named


def things_of(household: Household) -> Things:
    """Needs the tenant's scope."""
    sites = tuple(household.sites.order_by("pk").values_list("pk", flat=True))
    things = Things(household.tenant_id, household.pk, sites)
    found: dict[str, list[str]] = {}
    for holding in holdings():
        found |= holding.find(things)
    return replace(things, found=found)


def objects_in_trail(things: Things) -> Objects:
    """All that the trail ever named in connection with the household: also what was deleted long ago.

    An object belongs to it if a row about it names something that does, such as a device its site. Only UUIDs lead on:
    a number means something else in another table.
    """
    known = {str(things.household_id), *map(str, things.sites)}
    known |= {text for texts in things.found.values() for text in texts if _UUID.fullmatch(text)}
    objects: Objects = set()
    with connection.cursor() as cursor:
        # The only look at a whole trail there is, and it is rare.
        cursor.execute("SET LOCAL statement_timeout = '10min'")
        for _ in range(_ROUNDS):
            cursor.execute(_MENTIONED, {"tenant": things.tenant_id, "ids": sorted(known)})
            objects |= set(cursor.fetchall())
            more = {key for _, key in objects if _UUID.fullmatch(key)} - known
            if not more:
                break
            known |= more
    return objects


def trail_of(things: Things) -> QuerySet[AuditEntry]:
    """The rows about the household and all that belongs to it, and those of its residents' own doing."""
    by_type: dict[str, list[str]] = {}
    for kind, key in objects_in_trail(things):
        by_type.setdefault(kind, []).append(key)
    wanted = Q(actor_type="tenants.user", actor_id__in=things.found.get("people", ()))
    for kind, keys in by_type.items():
        wanted |= Q(object_type=kind, object_id__in=keys)
    return AuditEntry.objects.filter(wanted, tenant_id=things.tenant_id).order_by("pk")
