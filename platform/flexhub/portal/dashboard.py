"""The admin's first page: what an operator looks at before anything else. Each part only for those who may see it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import Avg, Count
from django.http import HttpRequest

from cem_service import reader
from cem_service.labels import RECEPTION_COLOURS, STATUS_COLOURS
from cem_service.models import Instruction, LedgerStatus, PlanRun, PlanRunKind
from cem_service.telling import instruction_in_words
from flexhub.bus.connect import connect_worker
from flexhub.bus.errors import BusUnavailable
from flexhub.portal.sessions import colour_of, count_by_control_type, living_sessions
from flexhub.portal.usage import usage_of_all
from tenants import looks
from tenants.model_admin import actor_of
from tenants.models import User

RECENT = timedelta(hours=1)
# Further back nobody looks, and the database would have to search the whole ledger for the last few.
REFUSALS_SINCE = timedelta(hours=24)
REFUSALS_SHOWN = 8


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Called by the admin site with the context of its index page."""
    user = actor_of(request)
    context |= {"clock": settings.CLOCK, "now": settings.CLOCK.now()}
    # The part that asks for itself again does not show this.
    if user.has_perm("tenants.view_quota") and "HX-Request" not in request.headers:
        context["near_quotas"] = [each for each in usage_of_all(connect_worker(settings.REDIS_URL)) if each.is_near]
    if user.has_perm("devices.view_link"):
        context["sessions"] = _sessions(user)
    if user.sees_all_tenants:
        context["poison"] = _poison()
    if user.has_perm("cem_service.view_instruction"):
        context["instructions"] = _instructions()
        context["plan_runs"] = _plan_runs()
        refused = [each["instruction"] for each in context["instructions"]["latest_refused"]]
        looks.note_list(user, refused, what="portal.dashboard", name="latest refused instructions")
    return context


def _sessions(user: User) -> dict[str, Any]:
    try:
        living = living_sessions(connect_worker(settings.REDIS_URL), user)
    except BusUnavailable:
        return {"bus_is_down": True}
    counts = count_by_control_type(living)
    return {"total": len(living), "by_control_type": [_bar(name, number, len(living)) for name, number in counts]}


def _poison() -> int:
    """How much is set aside; 0 as well where nobody can tell, which the sessions say."""
    try:
        return connect_worker(settings.REDIS_URL).poison(count=1).waiting
    except BusUnavailable:
        return 0


def _bar(name: str, number: int, total: int) -> dict[str, Any]:
    return {"name": name, "number": number, "percent": round(100 * number / total), "colour": colour_of(name)}


def _instructions() -> dict[str, Any]:
    now = settings.CLOCK.now()
    recent = Instruction.objects.filter(issued_at__gt=now - RECENT)
    counts = dict(recent.order_by().values_list("status").annotate(Count("pk")))
    refused = Instruction.objects.refused().filter(issued_at__gt=now - REFUSALS_SINCE)
    latest = refused.select_related("site", "link__rm_node").order_by("-issued_at")[:REFUSALS_SHOWN]
    return {
        "total": sum(counts.values()),
        "refused": recent.refused().count(),
        "by_status": [_count(status, counts[status]) for status in LedgerStatus if status in counts],
        "latest_refused": [_refusal(instruction) for instruction in latest],
    }


def _count(status: LedgerStatus, number: int) -> dict[str, Any]:
    return {"status": status.value, "name": status.label, "number": number, "colour": STATUS_COLOURS.get(status)}


def _refusal(instruction: Instruction) -> dict[str, Any]:
    rules = dict.fromkeys(str(finding.get("rule")) for finding in instruction.findings)
    return {
        "instruction": instruction,
        "reason": instruction_in_words(instruction),
        "language": reader.language().code,
        "colour": STATUS_COLOURS.get(instruction.status),
        "reception_colour": RECEPTION_COLOURS.get(instruction.reception),
        "rules": list(rules),
    }


def _plan_runs() -> dict[str, Any]:
    recent = PlanRun.objects.filter(at__gt=settings.CLOCK.now() - RECENT)
    found = recent.order_by().values("kind").annotate(number=Count("pk"), mean_ms=Avg("duration_ms"))
    by_kind = {row["kind"]: row for row in found}
    none = {"number": 0, "mean_ms": None}
    return {
        "total": sum(row["number"] for row in by_kind.values()),
        "by_kind": [{"name": kind.label, "kind": kind.value, **by_kind.get(kind, none)} for kind in PlanRunKind],
    }
