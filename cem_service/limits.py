"""What an operator or the grid does at a site: set limits and withdraw them, and allow what is kept for emergencies.

Each is one transaction with its audit row, and wakes the site once that is committed. All raise ValidationError, which
names the field.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from cem_service.grid_limit import REFERENCE
from cem_service.models import AbnormalCondition, GridLimit
from cem_service.runtime import Tools
from cem_service.waking import wake_on_commit
from flexhub.devices.models import Site
from tenants import audit
from tenants.audit import Actor
from tenants.scope import platform_scope, tenant_scope

_MOST_CHANGES_AT_ONCE = 1_000

Act = TypeVar("Act", GridLimit, AbnormalCondition)


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitWish:
    """What is asked of a site, in W, from when to when; None leaves that free."""

    starts_at: datetime
    ends_at: datetime
    source: str
    reason: str
    import_w: int | None = None
    export_w: int | None = None
    steerable_w: int | None = None


def set_limit(*, site: Site, reference: str, wish: LimitWish, tools: Tools, actor: Actor = None) -> GridLimit:
    """Limit a site. The same reference again replaces what it stood for before, also when that was withdrawn.

    Raises Site.DoesNotExist where the site was deleted meanwhile.
    """
    now = tools.clock.now()
    with tenant_scope(site.tenant_id):
        # One after the other at a site, so that the bound holds and a reference stays one row.
        Site.objects.select_for_update(no_key=True).get(pk=site.pk)
        limit = _known(site, reference)
        before = audit.fields_of(limit) if limit else None
        if limit is None:
            limit = GridLimit(tenant_id=site.tenant_id, site=site, reference=reference)
        for name in wish.__slots__:
            setattr(limit, name, getattr(wish, name))
        limit.withdrawn_at = None
        if before is not None and audit.fields_of(limit) | {"next_change_at": None} == before | {
            "next_change_at": None
        }:
            return limit
        limit.full_clean(exclude=["site", "tenant"])
        limit.next_change_at = limit.change_after(now)
        limit.save()
        audit.record("cem.gridlimit.set", limit, actor=actor, before=before, after=audit.fields_of(limit))
        wake_on_commit(site, tools)
    return limit


def _known(site: Site, reference: str) -> GridLimit | None:
    """None also for a text that can be no reference: PostgreSQL is not to be asked for one with a NUL."""
    if not re.fullmatch(REFERENCE, reference):
        return None
    return GridLimit.objects.filter(site=site, reference=reference).first()


def withdraw_limit(limit: GridLimit, *, tools: Tools, actor: Actor = None) -> None:
    """End it now. Doing it again, or after its end, changes nothing."""
    _withdraw(limit, "cem.gridlimit.withdrawn", tools, actor)


def allow_abnormal(
    *, site: Site, ends_at: datetime, source: str, reason: str, tools: Tools, actor: Actor = None
) -> AbnormalCondition:
    """Let the CEM use what devices keep for emergencies, from now on and for a day at most (R-40)."""
    now = tools.clock.now()
    with tenant_scope(site.tenant_id):
        Site.objects.select_for_update(no_key=True).get(pk=site.pk)
        condition = AbnormalCondition(
            tenant_id=site.tenant_id, site=site, starts_at=now, ends_at=ends_at, source=source, reason=reason
        )
        condition.full_clean(exclude=["site", "tenant"])
        condition.next_change_at = condition.change_after(now)
        condition.save()
        audit.record("cem.abnormalcondition.allowed", condition, actor=actor, after=audit.fields_of(condition))
        wake_on_commit(site, tools)
    return condition


def withdraw_abnormal(condition: AbnormalCondition, *, tools: Tools, actor: Actor = None) -> None:
    """End it now. Doing it again, or after its end, changes nothing."""
    _withdraw(condition, "cem.abnormalcondition.withdrawn", tools, actor)


def wake_changed(tools: Tools) -> int:
    """Wake every site where something begins or ends; returns how many rows were told. Raises BusUnavailable.

    First the wake, then the row: a worker that dies in between has a site woken twice, and never not at all.
    """
    now = tools.clock.now()
    rows: list[GridLimit | AbnormalCondition] = []
    with platform_scope("find limits that begin or end"):
        for model in (GridLimit, AbnormalCondition):
            rows += model.objects.changing(now)[:_MOST_CHANGES_AT_ONCE]
    for row in rows:
        tools.wake(row.tenant_id, row.site_id)
    if rows:
        with platform_scope("note that their sites were woken"):
            for row in rows:
                # Not where somebody has changed it meanwhile, and so has woken the site.
                same = type(row).objects.filter(pk=row.pk, next_change_at=row.next_change_at)
                same.update(next_change_at=row.change_after(now))
    return len(rows)


def _withdraw(act: Act, action: str, tools: Tools, actor: Actor) -> None:
    now = tools.clock.now()
    with tenant_scope(act.tenant_id):
        rows = type(act).objects.open(now).filter(pk=act.pk)
        if not rows.update(withdrawn_at=now, next_change_at=None):
            return
        act.withdrawn_at, act.next_change_at = now, None
        audit.record(action, act, actor=actor, after={"withdrawn_at": now})
        wake_on_commit(act.site, tools)
