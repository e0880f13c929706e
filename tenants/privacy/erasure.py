"""Erasing a household, step by step; each may be interrupted and done again.

1. `request` remembers what it is about, shuts everybody out and withdraws what was granted, in one transaction: tokens
   are revoked before anything is erased, since a device that still has one would write again.
2. `advance` waits until those who were shut out are gone, and then for what they said last, which may still be on its
   way in a stream or in the hands of a worker that died.
3. Then it clears what is large or in Redis, and in one last transaction it erases the rows and blanks the trail.

Nothing but ids is remembered, and these until the end only.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db import connection

from flexhub.observability.outage import Outage
from tenants import audit
from tenants.audit import Actor
from tenants.models import Erasure, Household
from tenants.privacy.finding import objects_in_trail, things_of
from tenants.privacy.holdings import StoreUnavailable, Things, holdings
from tenants.scope import platform_scope, tenant_scope
from tenants.trail_functions import BLANK, ERASED

log = structlog.get_logger(__name__)

#: A worker that took rows from a stream and died has lost them to another one by then, and that one has stored them.
SETTLES_WITHIN = timedelta(minutes=2)
_away = Outage("erasures are not going on")
_TYPE = Household._meta.label_lower


def request(household: Household, *, now: datetime, actor: Actor) -> Erasure:
    """Shut everybody out and have the rest erased by `advance`. Of a household that is being erased, that erasure."""
    with tenant_scope(household.tenant_id):
        # The household's row is the lock: two requests at once are one.
        Household.objects.select_for_update().get(pk=household.pk)
        known = Erasure.objects.filter(household_id=household.pk).first()
        things = things_of(household) if known is None else _merged(known, things_of(household))
        erasure = known or Erasure(tenant_id=household.tenant_id, household_id=household.pk, requested_at=now)
        erasure.things = {"sites": [str(site) for site in things.sites], **things.found}
        erasure.save()
        if known is None:
            audit.record("tenants.household.erasure_requested", household, actor=actor)
        for holding in reversed(holdings()):
            holding.stop(things, actor=actor)
    return erasure


def advance(erasure: Erasure, *, now: datetime) -> bool:
    """Do what can be done by now; True once nothing is left. Raises StoreUnavailable."""
    if erasure.finished_at is not None:
        return True
    things = things_in(erasure)
    with tenant_scope(things.tenant_id):
        if not all(holding.is_quiet(things) for holding in holdings()):
            return False
        Erasure.objects.filter(pk=erasure.pk, quiet_since=None).update(quiet_since=now)
        erasure.refresh_from_db()
    if erasure.quiet_since is None or now < erasure.quiet_since + SETTLES_WITHIN:
        return False
    for holding in reversed(holdings()):
        holding.clear(things)
    _finish(erasure, things, now)
    return True


def go_on(now: datetime) -> int:
    """Do what can be done by now for every erasure that is not finished; returns how many were finished."""
    finished = 0
    for erasure in unfinished():
        with _away.expected(StoreUnavailable):
            finished += advance(erasure, now=now)
    return finished


def unfinished() -> list[Erasure]:
    with platform_scope("find erasures that are not finished"):
        return list(Erasure.objects.filter(finished_at=None).order_by("requested_at"))


def things_in(erasure: Erasure) -> Things:
    found = dict(erasure.things)
    sites = tuple(UUID(text) for text in found.pop("sites", ()))
    return Things(erasure.tenant_id, erasure.household_id, sites, found)


def _merged(erasure: Erasure, present: Things) -> Things:
    """What is there now beside what was there when it began: somebody may have added a site meanwhile."""
    before = things_in(erasure)
    names = {*before.found, *present.found}
    found = {name: sorted({*before.found.get(name, ()), *present.found.get(name, ())}) for name in names}
    return replace(present, sites=tuple(sorted({*before.sites, *present.sites})), found=found)


def _finish(erasure: Erasure, things: Things, now: datetime) -> None:
    with tenant_scope(things.tenant_id):
        locked = Erasure.objects.select_for_update().get(pk=erasure.pk)
        if locked.finished_at is not None:
            return
        for holding in reversed(holdings()):
            holding.erase(things)
        blanked = _blank(things)
        locked.things, locked.finished_at = {}, now
        locked.save(update_fields=["things", "finished_at"])
        row = audit.entry(
            "tenants.household.erased",
            tenant_id=things.tenant_id,
            object_type=_TYPE,
            object_id=str(things.household_id),
            object_name=ERASED,
            actor=None,
        )
        row.after = {"sites": len(things.sites), "rows_of_the_trail_blanked": blanked}
        row.save(force_insert=True)
    log.info("privacy.erased", household_id=str(things.household_id), sites=len(things.sites))


def _blank(things: Things) -> int:
    """Also what the deletions of a moment ago have just told the trail."""
    accounts = list(things.found.get("accounts", ()))
    people = [("tenants.user", key) for key in accounts]
    blanked = _blank_objects([*sorted(objects_in_trail(things)), *people], accounts)
    # Before a person belongs to anybody, what they do is in the platform's own trail.
    with platform_scope("blank what the platform's trail says of erased people"):
        return blanked + _blank_objects(people, accounts)


def _blank_objects(objects: list[tuple[str, str]], accounts: list[str]) -> int:
    told = json.dumps(audit.fields_of_actor(None) | audit.fields_of_origin())
    types, ids = [kind for kind, _ in objects], [key for _, key in objects]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {BLANK}(%s, %s, %s, %s)", [types, ids, accounts, told])
        return int(cursor.fetchone()[0])
