"""Plans a whole site: what it draws by itself, the cost of all that it pursues, and its resources together.

Always returns a plan. What was missing, and which limit cannot be kept, stands in its notes and reasons, the most
important first.
"""

from __future__ import annotations

import numpy as np

from cem_service.domain.forecasts import Forecast, Forecasts, ForecastSource
from cem_service.domain.frbc import FRBCResource
from cem_service.domain.pebc import PEBCResource
from cem_service.domain.ppbc import PPBCResource
from cem_service.domain.resource import Resource
from cem_service.domain.site import SiteState
from cem_service.planners.coordination import MoreTime, Problem, coordinate
from cem_service.planners.forecast import forecast_phases, forecasts_of, with_forecast
from cem_service.planners.giving_way import gives_way_last, may_vanish_w, with_those_that_give_way
from cem_service.planners.hedging import hedged
from cem_service.planners.horizon import Horizon
from cem_service.planners.placed import expected_power_w
from cem_service.planners.plan import SitePlan
from cem_service.planners.planned import is_planned
from cem_service.planners.site_cost import SiteCost
from cem_service.planners.terms import Stage
from cem_service.planners.why import reasons_of_resources, reasons_of_site
from cem_service.planners.words import notes, with_words


def no_more_time() -> bool:
    return False


def plan_site(
    site: SiteState, *, random: np.random.Generator | None = None, more_time: MoreTime = no_more_time
) -> SitePlan:
    """The plan for the coming 24 hours.

    `more_time` is asked before each further try to find a better one. Without `random` two calls for the same state
    try the same.
    """
    problem = problem_of(site)
    horizon, forecasts = problem.horizon, problem.forecasts
    found = coordinate(problem, random=random or np.random.default_rng(0), more_time=more_time)
    problem, found = with_those_that_give_way(problem, hedged(problem, found))
    reasons = reasons_of_site(site, problem, found)
    return SitePlan(
        site_id=site.site_id,
        made_at=site.now,
        start=horizon.start,
        base_w=np.atleast_2d(problem.base_w)[0],
        net_w=found.loads_w[0],
        cost_eur=problem.cost.by_stage(found.loads_w, horizon.durations_s)[Stage.MONEY],
        devices={
            one.link_id: with_words(one, found.plans[one.link_id], why, site.timezone)
            for one, why in reasons_of_resources(problem, found)
        },
        notes=notes(reasons, site.timezone),
        costs=problem.cost.by_objective(found.loads_w, horizon.durations_s),
        reasons=reasons,
        forecasts=forecasts,
    )


def problem_of(site: SiteState) -> Problem:
    """What there is to coordinate at the site now. What gives way last counts as free, like what nobody steers."""
    horizon = Horizon.at(site.now)
    forecasts = forecasts_of(site, horizon)
    planned = [_with_forecast(one, forecasts, horizon) for one in site.resources if is_planned(one)]
    steered = sorted((one for one in planned if not gives_way_last(one)), key=_turn)
    base = forecasts[None]
    base_w, errors_w = base.power_w, base.errors_of_the_sun_w
    phases_w = None if site.fuse_per_phase_w is None else forecast_phases(site, base_w)
    household_w, vanishing_w = np.maximum(base_w, 0.0), np.zeros(horizon.steps)
    for resource in site.resources:
        if all(one.link_id != resource.link_id for one in steered):
            course = _unsteered(resource, forecasts, horizon)
            power_w = course.power_w
            base_w, errors_w = base_w + power_w, errors_w + course.errors_of_the_sun_w
            if phases_w is not None:
                phases_w = phases_w + np.outer(resource.phase_shares, power_w)
            if not resource.controllable:
                household_w = household_w + np.maximum(power_w, 0.0)
            if gives_way_last(resource):
                vanishing_w = vanishing_w + may_vanish_w(resource, power_w, horizon)
    cost = told = SiteCost.of(site, horizon, base_w=base_w, household_w=household_w)
    if vanishing_w.any():
        told = SiteCost.of(site, horizon, base_w=base_w, household_w=household_w, vanishing_w=vanishing_w)
    loads_w = base_w if phases_w is None else np.vstack((base_w, phases_w))
    return Problem(
        told,
        horizon,
        loads_w,
        tuple(steered),
        whole_cost=cost,
        errors_w=errors_w,
        giving_way=tuple(one for one in planned if gives_way_last(one)),
        forecasts=forecasts,
    )


def _turn(resource: Resource) -> tuple[bool, float]:
    """Those that must have energy go first, the largest before the others; batteries balance what is left."""
    if isinstance(resource, FRBCResource):
        return resource.can_discharge, -sum(actuator.largest_power_w for actuator in resource.actuators)
    return False, 0.0


def _with_forecast(resource: Resource, forecasts: Forecasts, horizon: Horizon) -> Resource:
    if not isinstance(resource, PEBCResource):
        return resource
    return with_forecast(resource, forecasts[resource.link_id], horizon)


def _unsteered(resource: Resource, forecasts: Forecasts, horizon: Horizon) -> Forecast:
    if isinstance(resource, PPBCResource):
        return Forecast.certain(ForecastSource.DEVICE, expected_power_w(resource, (), horizon), None)
    return forecasts[resource.link_id]
