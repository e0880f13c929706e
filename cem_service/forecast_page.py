"""What the page of a site's forecasts shows: what the last plan stood on, how old that was, how good it has been."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from cem_service.domain.forecasts import ForecastSource
from cem_service.domain.reason import Reason
from cem_service.forecast_reasons import basis, judgement
from cem_service.forecast_rows import BASE_LOAD, USED, recent_scores
from cem_service.models import ForecastModel, PlanRun, PlanRunKind
from cem_service.planners.scores import RunningScore, Score
from flexhub.devices.models import Site

_Series = UUID | None
_KNOWN = frozenset(source.value for source in ForecastSource)


@dataclass(frozen=True, slots=True)
class SourceLine:
    """One source of one series, as good as it was over the past week."""

    source: ForecastSource
    score: RunningScore
    is_used: bool
    is_trusted: bool

    @property
    def nmae_percent(self) -> float:
        return 100 * self.score.nmae

    @property
    def pinball_percent(self) -> float:
        return 100 * self.score.pinball


@dataclass(frozen=True, slots=True)
class SeriesForecasts:
    """`reasons` say what the last plan stood on and how good that was; none where it was not forecast."""

    name: str
    reasons: tuple[Reason, ...]
    learned_at: datetime | None
    sources: tuple[SourceLine, ...]


def forecasts_page(site: Site, now: datetime) -> dict[str, Any]:
    """The context of the page. Needs a scope that sees the site."""
    run = PlanRun.objects.filter(site=site, kind=PlanRunKind.PLAN, at__lte=now).order_by("-at").first()
    used = {} if run is None else {_link(each): each for each in used_in(run)}
    models = {row.link_id: row for row in ForecastModel.objects.filter(site=site).select_related("link__rm_node")}
    scores: dict[_Series, list[Score]] = defaultdict(list)
    for link_id, score in recent_scores(site.pk, now):
        scores[link_id].append(score)
    return {
        "site": site,
        "run": run,
        "series": [
            _series(used.get(link_id), models.get(link_id), scores[link_id], now)
            for link_id in dict.fromkeys((*used, *models))
        ],
    }


def used_in(run: PlanRun) -> list[Mapping[str, Any]]:
    """What the run stands on, without what only another release knows."""
    return [each for each in run.inputs.get(USED) or () if each["source"] in _KNOWN]


def _link(used: Mapping[str, Any]) -> _Series:
    return None if used["link"] is None else UUID(used["link"])


def _series(
    used: Mapping[str, Any] | None, model: ForecastModel | None, scores: list[Score], now: datetime
) -> SeriesForecasts:
    source = None if used is None else ForecastSource(used["source"])
    trusted = frozenset(model.trusted if model else ())
    lines = tuple(_lines(scores, source, trusted))
    running = {line.source: line.score for line in lines}
    return SeriesForecasts(
        name=_name(used, model),
        reasons=() if used is None or source is None else (basis_of(used, now), judgement(source, running)),
        learned_at=model.learned_at if model else None,
        sources=lines,
    )


def basis_of(used: Mapping[str, Any], now: datetime) -> Reason:
    """Of one row of `used_in`."""
    as_of = datetime.fromisoformat(used["as_of"]) if used["as_of"] else None
    return basis(ForecastSource(used["source"]), None if as_of is None else now - as_of)


def _name(used: Mapping[str, Any] | None, model: ForecastModel | None) -> str:
    if used is not None:
        return str(used["name"])
    return BASE_LOAD if model is None or model.link is None else model.link.rm_node.name


def _lines(scores: list[Score], used: ForecastSource | None, trusted: frozenset[str]) -> Iterator[SourceLine]:
    """The best first."""
    running = {source: RunningScore.of(one for one in scores if one.source is source) for source in ForecastSource}
    judged = {source: score for source, score in running.items() if score is not None}
    for source in sorted(judged, key=lambda source: judged[source].nmae):
        yield SourceLine(source, judged[source], source is used, source.value in trusted)
