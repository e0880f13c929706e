"""What beat asks for: sites whose plan is overdue, and rows that nobody will look at again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.db.models import Q, QuerySet

from cem_service.domain.selection import PREFERENCE
from cem_service.models import AbnormalCondition, ForecastScore, GridLimit, Instruction, PlanRun, PlanRunKind
from cem_service.runtime import Tools
from flexhub.bus.directory import SeatRecord
from flexhub.telemetry.quarters import quarter_start
from tenants.models import Retention
from tenants.scope import platform_scope, tenant_scope

log = structlog.get_logger(__name__)

KEEP_PLAN_RUNS_FOR = timedelta(days=7)
# The trail remembers them for longer; the rows are for whoever asks why a site drew so little.
KEEP_LIMITS_FOR = timedelta(days=90)
KEEP_SCORES_FOR = timedelta(days=90)
DELETE_AT_ONCE = 5_000


def wake_due_sites(tools: Tools) -> int:
    """Wake every site whose latest plan is not of this quarter hour, or where a device was released; returns how many.

    Only sites with a living session that a CEM can steer, or that waits to be selected: others are never planned for.
    """
    seats = [seat for seat in tools.bus.sessions() if _counts(seat)]
    connected = {seat.info.site_id: seat.info.tenant_id for seat in seats}
    due = connected.keys() - _planned_since(quarter_start(tools.clock.now()), list(connected))
    due |= {seat.info.site_id for seat in seats if seat.is_released}
    for site_id in due:
        tools.wake(connected[site_id], site_id)
    return len(due)


def forget_old_plan_runs(now: datetime) -> int:
    """Delete plan runs and instructions of more than a week ago, and those that their tenant keeps for a shorter time.

    A bounded number a call; returns how many.
    """
    with platform_scope("forget old plan runs"):
        wishes = list(Retention.objects.filter(Q(plan_days__gt=0) | Q(instruction_days__gt=0)))
        forgotten = _forget(now, KEEP_PLAN_RUNS_FOR, KEEP_PLAN_RUNS_FOR)
    for wish in wishes:
        with tenant_scope(wish.tenant_id):
            forgotten += _forget(now, *(_span(days) for days in (wish.plan_days, wish.instruction_days)))
    if forgotten:
        log.info("cem.forgot", rows=forgotten)
    return forgotten


def forget_old_limits(now: datetime) -> int:
    """Delete limits and abnormal conditions that ended long ago, a bounded number a call; returns how many."""
    with platform_scope("forget old limits"):
        return sum(
            model.objects.filter(
                pk__in=list(_ended(model, now).values_list("pk", flat=True)[:DELETE_AT_ONCE])
            ).delete()[0]
            for model in (GridLimit, AbnormalCondition)
        )


def forget_old_scores(now: datetime) -> int:
    """Delete scores of forecasts of long ago, a bounded number a call; returns how many."""
    with platform_scope("forget old scores of forecasts"):
        old = ForecastScore.objects.filter(start__lt=now - KEEP_SCORES_FOR).values_list("pk", flat=True)
        deleted, _ = ForecastScore.objects.filter(pk__in=list(old[:DELETE_AT_ONCE])).delete()
        return deleted


def _ended(model: type[GridLimit | AbnormalCondition], now: datetime) -> QuerySet[Any]:
    return model.objects.filter(ends_at__lt=now - KEEP_LIMITS_FOR)


def _span(days: int | None) -> timedelta:
    return KEEP_PLAN_RUNS_FOR if days is None else timedelta(days=days)


def _forget(now: datetime, plans: timedelta, instructions: timedelta) -> int:
    """What is older, in the open scope."""
    forgotten = 0
    for rows in (
        Instruction.objects.filter(issued_at__lt=now - instructions),
        PlanRun.objects.filter(at__lt=now - plans),
    ):
        deleted, _ = rows.model.objects.filter(pk__in=list(rows.values_list("pk", flat=True)[:DELETE_AT_ONCE])).delete()
        forgotten += deleted
    return forgotten


def _counts(seat: SeatRecord) -> bool:
    return seat.control_type is None or seat.is_released or seat.control_type in PREFERENCE


def _planned_since(moment: datetime, site_ids: list[UUID]) -> set[UUID]:
    with platform_scope("find sites whose plan is due"):
        rows = PlanRun.objects.filter(site_id__in=site_ids, kind=PlanRunKind.PLAN, at__gte=moment)
        return set(rows.values_list("site_id", flat=True).distinct())
