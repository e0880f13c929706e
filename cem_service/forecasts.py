"""Learning from a site's past, once a day, and judging what was said of the day that has gone by."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

import structlog

from cem_service.domain.forecasts import ForecastSource, Learned, SaidForecasts
from cem_service.domain.pebc import PEBCResource
from cem_service.domain.ppbc import PPBCResource
from cem_service.domain.resource import Resource
from cem_service.domain.site import QuarterHourMeans, SiteState
from cem_service.domain.usual_day import UsualDay
from cem_service.models import ForecastModel, ForecastScore
from cem_service.planners.forecast import forecast_of, forecasts_to_judge
from cem_service.planners.horizon import Horizon
from cem_service.planners.learned import LEARNED_SOURCES
from cem_service.planners.oracle import is_planned
from cem_service.planners.scores import Score, judge, trusted
from cem_service.planners.usual_day import DAY, LEARN_FROM_DAYS, learn
from cem_service.prepared import Prepared
from flexhub.telemetry.quarters import QUARTER, quarter_start
from tenants.scope import tenant_scope

log = structlog.get_logger(__name__)

JUDGED_FOR = 7 * DAY
BASE_LOAD = "Base load"
# The key in the inputs of a plan run.
USED = "forecasts"
LOOK_BACK = LEARN_FROM_DAYS * DAY
_LEARNED = Prepared(
    lambda site_id: ForecastModel.objects.filter(site=site_id).only(
        "site_id", "link_id", "usual_day", "trusted", "learned_at"
    ),
    UUID,
)
_UNREADABLE = (AttributeError, IndexError, KeyError, TypeError, ValueError)


def load_learned(site_id: UUID) -> dict[UUID | None, Learned]:
    """What was learned of each series of a site. Needs the tenant's scope."""
    return {row.link_id: _read(row) for row in _LEARNED(site_id)}


def is_due(state: SiteState) -> bool:
    """Whether there is a past to learn from, and nothing was learned from it for a day."""
    # In quarter hours, as plans are made: else the hour of learning would wander around the clock.
    since = quarter_start(state.now) - DAY + QUARTER
    # A time in the future is from before the clock was set back.
    times = (one.learned_at for one in state.learned.values())
    recently = any(at is not None and since <= at <= state.now for at in times)
    return not recently and bool(state.base_history or any(state.power_history.values()))


def used_forecasts(state: SiteState) -> list[dict[str, object]]:
    """Which forecast a plan made now stands on, series by series; without a link it is the base load."""
    horizon = Horizon.at(state.now)
    used = ((one, forecast_of(state, one, horizon)) for one in _forecast_in(state))
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
        series = {None if one is None else one.link_id: one for one in _forecast_in(state)}
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


def recent_scores(site_id: UUID, now: datetime) -> Iterator[tuple[UUID | None, Score]]:
    """Of each series over the past week, as (link, score). Needs the tenant's scope."""
    # What began more than a week and a day ago ended more than a week ago.
    rows = ForecastScore.objects.filter(site=site_id, start__gt=now - JUDGED_FOR - DAY, start__lte=now)
    for row in rows.filter(source__in=list(ForecastSource)).order_by("start"):
        yield row.link_id, row.as_score()


def _forecast_in(state: SiteState) -> Iterator[Resource | None]:
    """The base load, and what does by itself as it likes: nobody plans it, or plans only draw limits around it.

    A machine without a profile to place draws nothing.
    """
    yield None
    for resource in state.resources:
        if isinstance(resource, PEBCResource) or not (isinstance(resource, PPBCResource) or is_planned(resource)):
            yield resource


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
    except _UNREADABLE as error:
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


def _read(row: ForecastModel) -> Learned:
    """Nothing of a row of another release: the site does without, until it is learned again."""
    sources = tuple(source for source in LEARNED_SOURCES if source.value in row.trusted)
    try:
        usual = None if row.usual_day is None else UsualDay.from_dict(row.usual_day)
    except _UNREADABLE as error:
        log.warning("cem.usual_day_unreadable", site_id=str(row.site_id), error=repr(error))
        usual = None
    return Learned(usual, tuple(sorted(sources, key=lambda source: row.trusted.index(source.value))), row.learned_at)
