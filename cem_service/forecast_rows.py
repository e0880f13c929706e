"""What is stored of a site's forecasts: what was learned of each series, and how good each source of it was.

Pages read it, and what a site's state is made of. `cem_service.forecasts` writes it, with the planners at hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

import structlog

from cem_service.domain.forecasts import ForecastSource, Learned
from cem_service.domain.usual_day import UsualDay
from cem_service.models import ForecastModel, ForecastScore
from cem_service.planners.learned import LEARNED_SOURCES
from cem_service.planners.scores import Score
from cem_service.planners.usual_day import DAY
from cem_service.prepared import Prepared

log = structlog.get_logger(__name__)

JUDGED_FOR = 7 * DAY
BASE_LOAD = "Base load"
# The key in the inputs of a plan run.
USED = "forecasts"
# What a row of another release may lead to.
UNREADABLE = (AttributeError, IndexError, KeyError, TypeError, ValueError)
_LEARNED = Prepared(
    lambda site_id: ForecastModel.objects.filter(site=site_id).only(
        "site_id", "link_id", "usual_day", "trusted", "learned_at"
    ),
    UUID,
)


def load_learned(site_id: UUID) -> dict[UUID | None, Learned]:
    """What was learned of each series of a site. Needs the tenant's scope."""
    return {row.link_id: _read(row) for row in _LEARNED(site_id)}


def recent_scores(site_id: UUID, now: datetime) -> Iterator[tuple[UUID | None, Score]]:
    """Of each series over the past week, as (link, score). Needs the tenant's scope."""
    # What began more than a week and a day ago ended more than a week ago.
    rows = ForecastScore.objects.filter(site=site_id, start__gt=now - JUDGED_FOR - DAY, start__lte=now)
    for row in rows.filter(source__in=list(ForecastSource)).order_by("start"):
        yield row.link_id, row.as_score()


def _read(row: ForecastModel) -> Learned:
    """Nothing of a row of another release: the site does without, until it is learned again."""
    sources = tuple(source for source in LEARNED_SOURCES if source.value in row.trusted)
    try:
        usual = None if row.usual_day is None else UsualDay.from_dict(row.usual_day)
    except UNREADABLE as error:
        log.warning("cem.usual_day_unreadable", site_id=str(row.site_id), error=repr(error))
        usual = None
    return Learned(usual, tuple(sorted(sources, key=lambda source: row.trusted.index(source.value))), row.learned_at)
