"""What the page of a plan run shows: the reasons as a list, what the CEM saw, the plan drawn, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from cem_service import reader
from cem_service.domain.feed import SeriesKind
from cem_service.forecast_page import basis_of, used_in
from cem_service.labels import RECEPTION_COLOURS, STATUS_COLOURS, trouble_with
from cem_service.models import PLANNED_PRICES, Instruction, PlanRun
from cem_service.plan_chart import PlanPicture, draw_plan
from cem_service.planners.plan import STEP, SitePlan
from cem_service.telling import instruction_in_words, reason_in_words, run_in_words
from flexhub.devices.models import Link

# A run issues one instruction a device; a page with more would be of no use to anybody.
MOST_INSTRUCTIONS = 200
# The key in the run's inputs, its name, its form, and what it means that there is none.
_QUANTITIES = (
    ("main_meter_w", "Main meter", "{:z,.0f} W", "no measurement"),
    ("fuse_limit_w", "Fuse limit", "{:z,.0f} W", "not recorded"),
    ("export_limit_w", "Export limit", "{:z,.0f} W", "that of the fuse"),
    ("buy_eur_per_kwh", "Buying costs", "{:z.3f} EUR/kWh", "not recorded"),
    ("sell_eur_per_kwh", "Feeding in earns", "{:z.3f} EUR/kWh", "not recorded"),
)
# Another release may know others.
_KINDS = frozenset(kind.value for kind in SeriesKind)


def plan_page(run: PlanRun) -> dict[str, Any]:
    """The context of `cem_service/plan_run.html`."""
    instructions = run.instructions.select_related("link__rm_node", "site").order_by("issued_at", "id")
    return {
        "run": run,
        "reasons": run_in_words(run),
        "language": reader.language().code,
        "inputs": list(_inputs(run)),
        "drawing": _drawing(run),
        "instructions": [_row(instruction) for instruction in instructions[:MOST_INSTRUCTIONS]],
    }


def _inputs(run: PlanRun) -> Iterator[tuple[str, str]]:
    inputs: Mapping[str, Any] = run.inputs
    for key, name, form, otherwise in _QUANTITIES:
        value = inputs.get(key)
        yield name, form.format(value) if isinstance(value, int | float) else otherwise
    for feed in inputs.get("feeds") or ():
        if feed["kind"] in _KINDS:
            yield feed["source"], _told(feed)
    for used in used_in(run):
        words = reason_in_words(basis_of(used, run.at), run.site.timezone)
        yield f"Forecast of {used['name']}", format_html('<span lang="{}">{}</span>', reader.language().code, words)
    not_ready: Mapping[str, str] = inputs.get("not_ready") or {}
    for name, power_w in (inputs.get("power_w") or {}).items():
        power = f"{power_w:z,.0f} W" if isinstance(power_w, int | float) else "not known"
        yield name, f"{power}, not controlled: {not_ready[name]}" if name in not_ready else power


def _told(feed: Mapping[str, Any]) -> str:
    """What a feed was asked for, and how old its answer was."""
    what = SeriesKind(feed["kind"]).label
    if feed["age_s"] is None:
        return f"{what}: none yet"
    age = f"{what}: {feed['age_s'] // 60:,} min old"
    return age if feed["usable"] else f"{age}, too old"


def _drawing(run: PlanRun) -> SafeString | None:
    """None for a reaction, and for a plan of a form that is no longer understood."""
    try:
        plan = SitePlan.from_dict(run.plan) if run.plan else None
    except (KeyError, ValueError, TypeError):
        plan = None
    if plan is None:
        return None
    links = Link.objects.filter(pk__in=plan.devices).select_related("rm_node")
    names = {link.pk: link.rm_node.name for link in links}
    devices = [(names.get(link_id, "a former device"), device.power_w) for link_id, device in plan.devices.items()]
    picture = PlanPicture(
        start=plan.start,
        step=STEP,
        timezone=run.site.timezone,
        base_w=plan.base_w.tolist(),
        net_w=plan.net_w.tolist(),
        devices=[(name, power_w.tolist()) for name, power_w in sorted(devices, key=lambda device: device[0])],
        buy_eur_per_kwh=run.inputs.get(PLANNED_PRICES) or (),
        fuse_limit_w=run.inputs.get("fuse_limit_w"),
        export_limit_w=run.inputs.get("export_limit_w"),
    )
    return mark_safe(draw_plan(picture))  # noqa: S308 - It escapes the names, which is all that is not a number.


def _row(instruction: Instruction) -> dict[str, Any]:
    return {
        "instruction": instruction,
        "reason": instruction_in_words(instruction),
        "colour": STATUS_COLOURS.get(instruction.status, ""),
        "reception_colour": RECEPTION_COLOURS.get(instruction.reception, ""),
        "trouble": trouble_with(instruction),
    }
