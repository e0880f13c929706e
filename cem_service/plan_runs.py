"""The rows of looks at a site: what was seen, what was decided, and why."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from datetime import datetime

from cem_service import forecasts
from cem_service.domain.feed import FeedSeries
from cem_service.domain.reason import Reason
from cem_service.domain.resource import Resource
from cem_service.due import PLANNED_FROM, planned_from
from cem_service.forecast_rows import USED
from cem_service.loading import LoadedSite
from cem_service.models import PLANNED_PRICES, PlanRun, PlanRunKind
from cem_service.planners.plan import STEP, SitePlan
from cem_service.planners.words import notes
from cem_service.prepared import PreparedInsert
from flexhub.observability.failures import place_of

_STORE = PreparedInsert(PlanRun)
_STAYS = "The one before it stays, where there is one."


def run_of_plan(loaded: LoadedSite, plan: SitePlan, started: float) -> PlanRun:
    """Not stored. `started` is when the look began, as `time.perf_counter` says it."""
    run = _run(loaded, PlanRunKind.PLAN, started, _in_words(plan.all_reasons, loaded))
    run.plan = plan.as_dict()
    run.reasons = [reason.as_dict() for reason in plan.all_reasons]
    buy, _ = loaded.state.prices(plan.start, len(plan.net_w), STEP)
    run.inputs[USED] = forecasts.used_forecasts(loaded.state, plan.forecasts)
    run.inputs[PLANNED_PRICES] = [round(float(price), 5) for price in buy]
    return run


def run_of_reaction(loaded: LoadedSite, reasons: Sequence[Reason], started: float) -> PlanRun:
    """As above."""
    run = _run(loaded, PlanRunKind.REACTION, started, _in_words(reasons, loaded))
    run.reasons = [reason.as_dict() for reason in reasons]
    return run


def run_of_failure(loaded: LoadedSite, started: float, error: Exception) -> PlanRun:
    """A mistake of ours that some description has brought to light must not cost a site the plan it has.

    Nor may it be made again each second: it is tried again when a plan is due again.
    """
    run = _run(loaded, PlanRunKind.PLAN, started, f"No plan could be made: {place_of(error)}. {_STAYS}")
    if loaded.plan is not None:
        run.plan = loaded.plan.plan
        run.inputs |= {key: loaded.plan.inputs.get(key) for key in (PLANNED_PRICES, USED)}
    return run


def store_run(run: PlanRun) -> None:
    """In the tenant's scope."""
    _STORE([run])


def _run(loaded: LoadedSite, kind: PlanRunKind, started: float, summary: str) -> PlanRun:
    return PlanRun(
        tenant_id=loaded.tenant_id,
        site_id=loaded.state.site_id,
        kind=kind,
        at=loaded.state.now,
        duration_ms=(time.perf_counter() - started) * 1000,
        summary=summary,
        inputs=_inputs(loaded),
    )


def _in_words(reasons: Iterable[Reason], loaded: LoadedSite) -> str:
    return "\n".join(notes(reasons, loaded.state.timezone))


def _inputs(loaded: LoadedSite) -> dict[str, object]:
    """What the CEM saw, for people who ask why."""
    state = loaded.state
    buy, sell = state.prices(state.now, 1, STEP)
    resources = _by_name(state.resources)
    return {
        "main_meter_w": state.main_meter_w,
        "main_meter_at": state.main_meter_at.isoformat() if state.main_meter_at else None,
        "fuse_limit_w": state.fuse_limit_w,
        "export_limit_w": state.export_limit_w,
        "fuse_per_phase_w": state.fuse_per_phase_w,
        "main_meter_phases_w": state.main_meter_phases_w,
        "abnormal": loaded.abnormal,
        "buy_eur_per_kwh": float(buy[0]),
        "sell_eur_per_kwh": float(sell[0]),
        "power_w": {name: resource.power_w(state.now) for name, resource in resources.items()},
        "not_ready": {name: resource.not_ready for name, resource in resources.items() if resource.not_ready},
        "feeds": [_feed(series, state.now) for series in state.feeds.followed()],
        PLANNED_FROM: planned_from(loaded),
    }


def _by_name(resources: Iterable[Resource]) -> dict[str, Resource]:
    """Of several of one name, which a site may well have, all but the first get a number."""
    named: dict[str, Resource] = {}
    for resource in resources:
        name, number = resource.name, 1
        while name in named:
            number += 1
            name = f"{resource.name} ({number})"
        named[name] = resource
    return named


def _feed(series: FeedSeries, now: datetime) -> dict[str, object]:
    age = series.age(now)
    return {
        "source": series.source,
        "kind": series.kind.value,
        "fetched_at": series.fetched_at.isoformat() if series.fetched_at else None,
        "age_s": None if age is None else round(age.total_seconds()),
        "usable": series.is_usable(now),
    }
