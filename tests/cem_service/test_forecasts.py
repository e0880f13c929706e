from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from cem_service import forecasts, services
from cem_service.domain.forecasts import ForecastSource, Learned
from cem_service.domain.site import SiteState
from cem_service.forecast_rows import USED, recent_scores
from cem_service.loading import load_site, with_history
from cem_service.models import ForecastModel, ForecastScore, PlanRun, PlanRunKind
from cem_service.planners.scores import LEAST_DAYS
from flexhub.telemetry.models import Rollup
from tenants.scope import tenant_scope
from tests.support.cem_world import World
from tests.support.past import household_past
from tests.support.resources import solar
from tests.support.sites import site_with

DAY = timedelta(days=1)
WEEKS = 5


@pytest.fixture
def lived_in(world: World) -> World:
    """A home that can be planned for."""
    world.connect()
    world.describe()
    return world


def _past(world: World) -> dict[datetime, float]:
    midnight = datetime.combine(world.clock.now().date(), datetime.min.time(), UTC)
    return household_past(7, midnight - 28 * DAY, 7 * WEEKS)


def _measure(world: World, past: dict[datetime, float]) -> None:
    """Its main meter, read by API, has seen this; and, since clocks go on, what is to come."""
    days: dict[date, list[float | None]] = {}
    for at, power_w in sorted(past.items()):
        days.setdefault(at.date(), []).append(power_w)
    tenant_id, site_id = world.ids
    with tenant_scope(tenant_id):
        Rollup.objects.bulk_create(
            Rollup(
                tenant_id=tenant_id,
                site_id=site_id,
                link_id=site_id,
                day=day,
                mean_w=values,
                until=datetime.combine(day, datetime.min.time(), UTC) + DAY,
            )
            for day, values in days.items()
        )


def _models(world: World) -> list[ForecastModel]:
    with tenant_scope(world.household.tenant.pk):
        return list(ForecastModel.objects.order_by("link"))


def _scores(world: World) -> list[ForecastScore]:
    with tenant_scope(world.household.tenant.pk):
        return list(ForecastScore.objects.order_by("start", "source"))


def _state(world: World, back: timedelta = forecasts.LOOK_BACK) -> SiteState:
    loaded = load_site(*world.ids, bus=world.bus, now=world.clock.now())
    assert loaded is not None
    return with_history(loaded, back=back).state


def test_a_plan_learns_once_a_day(lived_in: World) -> None:
    _measure(lived_in, _past(lived_in))
    lived_in.run(services.plan_site, *lived_in.ids)
    (first,) = _models(lived_in)

    lived_in.clock.advance(3600)
    lived_in.run(services.plan_site, *lived_in.ids)
    (same,) = _models(lived_in)
    lived_in.clock.advance(23 * 3600)
    lived_in.run(services.plan_site, *lived_in.ids)
    (second,) = _models(lived_in)

    assert first.usual_day is not None
    assert same.learned_at == first.learned_at
    assert second.learned_at == first.learned_at + DAY
    assert {score.source for score in _scores(lived_in)} == {"persistence", "usual_day"}
    assert {score.steps for score in _scores(lived_in)} == {96}


def test_what_was_the_better_one_for_some_days_is_used(lived_in: World) -> None:
    _measure(lived_in, _past(lived_in))
    for _ in range(LEAST_DAYS + 1):
        assert _state(lived_in).learned.get(None, Learned()).trusted == ()
        forecasts.learn_site(lived_in.household.tenant.pk, _state(lived_in))
        lived_in.clock.advance(DAY.total_seconds())

    learned = _state(lived_in).learned[None]

    assert learned.trusted == (ForecastSource.USUAL_DAY,)
    assert learned.usual_day is not None
    assert learned.usual_day.timezone == "Europe/Amsterdam"


def test_a_plan_says_which_forecasts_it_stands_on(lived_in: World) -> None:
    lived_in.run(services.plan_site, *lived_in.ids)
    with tenant_scope(lived_in.household.tenant.pk):
        run = PlanRun.objects.get(kind=PlanRunKind.PLAN)

    now = lived_in.clock.now().isoformat()
    assert run.inputs[USED] == [{"link": None, "name": "Base load", "source": "present", "as_of": now}]


def test_panels_are_learned_beside_the_base_load_and_what_is_planned_is_not(lived_in: World) -> None:
    panels = replace(solar(1000.0), link_id=lived_in.household.link.pk)
    state = _state(lived_in)
    forecasts.learn_site(lived_in.household.tenant.pk, state)
    assert [row.link_id for row in _models(lived_in)] == [None]

    forecasts.learn_site(lived_in.household.tenant.pk, replace(state, resources=(panels,)))

    assert {row.link_id for row in _models(lived_in)} == {None, panels.link_id}


def test_a_home_without_a_past_learns_nothing(lived_in: World) -> None:
    lived_in.run(services.plan_site, *lived_in.ids)

    assert _models(lived_in) == []


def test_too_short_a_past_is_looked_at_again_a_day_later(lived_in: World) -> None:
    past = _past(lived_in)
    _measure(lived_in, dict(list(past.items())[: 29 * 96]))
    forecasts.learn_site(lived_in.household.tenant.pk, replace(_state(lived_in), base_history={}))

    (row,) = _models(lived_in)
    assert row.usual_day is None
    assert row.trusted == []
    assert not forecasts.is_due(_state(lived_in))
    lived_in.clock.advance(DAY.total_seconds())
    assert forecasts.is_due(_state(lived_in))


def _learned_at(moment: datetime) -> SiteState:
    return replace(site_with(), base_history={moment: 1.0}, learned={None: Learned(learned_at=moment)})


def test_the_hour_of_learning_does_not_wander() -> None:
    """Plans are made some seconds into a quarter hour, not always the same."""
    state = _learned_at(_quarter(20))

    assert not forecasts.is_due(replace(state, now=_quarter(2) + DAY - timedelta(minutes=15)))
    assert forecasts.is_due(replace(state, now=_quarter(2) + DAY))


def test_after_the_clock_was_set_back_a_site_is_learned_again() -> None:
    assert forecasts.is_due(replace(_learned_at(_quarter(0)), now=_quarter(0) - timedelta(hours=1)))


def test_a_row_of_another_release_is_left_aside_and_written_anew(lived_in: World) -> None:
    _measure(lived_in, _past(lived_in))
    forecasts.learn_site(lived_in.household.tenant.pk, _state(lived_in))
    strange = {"usual_day": {"of": "the future"}, "said": {"start": 3}, "trusted": ["usual_day", "astrology"]}
    with tenant_scope(lived_in.household.tenant.pk):
        ForecastModel.objects.update(**strange)
    lived_in.clock.advance(DAY.total_seconds())

    learned = _state(lived_in).learned[None]
    assert (learned.usual_day, learned.trusted) == (None, (ForecastSource.USUAL_DAY,))
    run = services.plan_site(*lived_in.ids, tools=lived_in.tools)

    assert run is not None
    assert run.kind == PlanRunKind.PLAN
    assert _scores(lived_in) == []
    assert [row.usual_day is not None for row in _models(lived_in)] == [True]


def test_recent_scores_are_those_of_a_week(lived_in: World) -> None:
    now = lived_in.clock.now()
    tenant_id, site_id = lived_in.ids
    values = {"source": "persistence", "steps": 96, "mean_w": 400.0, "nmae": 0.3, "pinball": 0.1}
    with tenant_scope(tenant_id):
        for days in (0.5, 7.9, 8.1, -1):
            ForecastScore.objects.create(tenant_id=tenant_id, site_id=site_id, start=now - days * DAY, **values)
        starts = [(link, score.start) for link, score in recent_scores(site_id, now)]

    nobody: UUID | None = None
    assert starts == [(nobody, now - 7.9 * DAY), (nobody, now - 0.5 * DAY)]


def _quarter(seconds: int) -> datetime:
    return datetime(2026, 4, 21, 10, 15, seconds, tzinfo=UTC)
