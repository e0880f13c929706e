"""Learning from a site's past, once a day, and judging what was said of the day that has gone by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import structlog

from cem_service.domain.forecasts import Forecasts, Learned, SaidForecasts
from cem_service.domain.resource import Resource
from cem_service.domain.site import QuarterHourMeans, SiteState
from cem_service.forecast_rows import BASE_LOAD, UNREADABLE, recent_scores
from cem_service.models import ForecastModel, ForecastScore
from cem_service.planners.forecast import forecast_in, forecasts_to_judge
from cem_service.planners.horizon import Horizon
from cem_service.planners.scores import Score, judge, trusted
from cem_service.planners.usual_day import DAY, LEARN_FROM_DAYS, learn
from flexhub.telemetry.quarters import QUARTER, quarter_start
from tenants.scope import tenant_scope

log = structlog.get_logger(__name__)

LOOK_BACK = LEARN_FROM_DAYS * DAY


def is_due(state: SiteState) -> bool:
    """Whether there is a past to learn from, and nothing was learned from it for a day."""
    # In quarter hours, as plans are made: else the hour of learning would wander around the clock.
    since = quarter_start(state.now) - DAY + QUARTER
    # A time in the future is from before the clock was set back.
    times = (one.learned_at for one in state.learned.values())
    recently = any(at is not None and since <= at <= state.now for at in times)
    return not recently and bool(state.base_history or any(state.power_history.values()))


def used_forecasts(state: SiteState, forecasts: Forecasts) -> list[dict[str, object]]:
    """Where those come from that a plan stands on, series by series; without a link it is the base load."""
    used = ((one, forecasts[None if one is None else one.link_id]) for one in forecast_in(state))
    return [
        {
            "link": None if resource is None else str(resource.link_id),
            "name": BASE_LOAD if resource is None else resource.name,
            "source": forecast.source.value,
            "as_of": forecast.as_of.isoformat() if forecast.as_of else None,
        }
        for resource, forecast in used
    ]


def learn_site(tenant_id: UUID, state: SiteState) -> None:
    """Judge what was said a day ago, learn each series anew, and keep what is said now.

    `state` holds the means of LOOK_BACK.
    """
    with tenant_scope(tenant_id):
        before = {row.link_id: row for row in ForecastModel.objects.filter(site=state.site_id)}
        series = {None if one is None else one.link_id: one for one in forecast_in(state)}
        for link_id in series.keys() & before.keys():
            _judge(before[link_id], _history(state, link_id))
        scores: dict[UUID | None, list[Score]] = {}
        for link_id, score in recent_scores(state.site_id, state.now):
            scores.setdefault(link_id, []).append(score)
        learned = [_learn(tenant_id, state, one, scores.get(link_id, [])) for link_id, one in series.items()]
        ForecastModel.objects.bulk_create(
            learned,
            update_conflicts=True,
            unique_fields=["site", "link"],
            update_fields=["usual_day", "trusted", "said", "learned_at"],
        )


def _history(state: SiteState, link_id: UUID | None) -> QuarterHourMeans:
    return state.base_history if link_id is None else state.power_history.get(link_id, {})


def _learn(tenant_id: UUID, state: SiteState, resource: Resource | None, scores: Sequence[Score]) -> ForecastModel:
    link_id = None if resource is None else resource.link_id
    usual = learn(_history(state, link_id), state.now, state.timezone)
    learned = Learned(usual, trusted(scores))
    known = replace(state, learned={link_id: learned})
    horizon = Horizon.at(state.now)
    said = SaidForecasts(horizon.start, forecasts_to_judge(known, resource, horizon))
    return ForecastModel(
        tenant_id=tenant_id,
        site_id=state.site_id,
        link_id=link_id,
        usual_day=None if usual is None else usual.as_dict(),
        trusted=[source.value for source in learned.trusted],
        said=said.as_dict(),
        learned_at=state.now,
    )


def _judge(row: ForecastModel, history: QuarterHourMeans) -> None:
    try:
        said = SaidForecasts.from_dict(row.said)
    except UNREADABLE as error:
        log.warning("cem.forecast_unreadable", site_id=str(row.site_id), error=repr(error))
        return
    scores = (
        ForecastScore(
            tenant_id=row.tenant_id,
            site_id=row.site_id,
            link_id=row.link_id,
            source=score.source.value,
            start=score.start,
            steps=score.steps,
            mean_w=score.mean_w,
            nmae=score.nmae,
            pinball=score.pinball,
        )
        for score in judge(said, history)
    )
    ForecastScore.objects.bulk_create(scores, ignore_conflicts=True)
