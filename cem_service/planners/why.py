"""Finds out why a plan is as it is, as data: what each resource does, and which objective moved it.

An objective moved a resource if the resource would plan otherwise without it, all others as they are. That is asked of
the planner itself, but only for objectives that can have mattered: a limit that is nowhere reached moved nobody.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC

import numpy as np

from cem_service.domain.decision import Objective
from cem_service.domain.reason import Figure, Reason, ReasonCode
from cem_service.domain.resource import Resource
from cem_service.domain.site import SiteState
from cem_service.planners.coordination import Coordinated, Problem, others_w
from cem_service.planners.feed_reasons import feed_reasons
from cem_service.planners.horizon import Horizon
from cem_service.planners.oracle import best_response
from cem_service.planners.plan import DevicePlan
from cem_service.planners.power_cost import J_PER_KWH
from cem_service.planners.terms import Circuit, Stage, Term

LEAST_KWH = 0.05
# Less than this at another time is a matter of rounding, not of an objective.
MOVED_KWH = 0.2
NOTICEABLE_W = 50.0
NOTICEABLE_COMFORT_EUR = 0.05
OVER_W = 1.0


def reasons_of_resources(problem: Problem, found: Coordinated) -> Iterator[tuple[Resource, tuple[Reason, ...]]]:
    """For each that is planned: what it does, then which objectives moved it, in their order of importance."""
    objectives = _that_matter(problem, found)
    for resource in problem.resources:
        plan = found.plans.get(resource.link_id)
        if plan is not None:
            moved = _moved(problem, found, resource, plan, objectives)
            yield resource, (_deed(problem, found, plan), *moved, *_missed(plan))


def reasons_of_site(site: SiteState, problem: Problem, found: Coordinated) -> tuple[Reason, ...]:
    """Limits that cannot be kept, by stage, then what was missing."""
    over = [(term, term.beyond_w(found.loads_w)) for term in problem.cost.terms if term.stage < Stage.COMFORT]
    return (
        *(_exceeds(problem.horizon, found, term, beyond_w) for term, beyond_w in over if beyond_w.max() > OVER_W),
        *_missing(site),
        *feed_reasons(site, problem.horizon),
    )


def _deed(problem: Problem, found: Coordinated, plan: DevicePlan) -> Reason:
    if plan.placements:
        first = plan.placements[0]
        starts_at = first.start.astimezone(UTC).isoformat()
        if plan.reason:
            return Reason(ReasonCode.TOO_LATE, figures={"starts_at": starts_at})
        figures: dict[str, Figure] = {
            "starts_at": starts_at,
            "cost_eur": sum(one.cost_eur for one in plan.placements),
            "saved_eur": first.cost_now_eur - first.cost_eur,
        }
        return Reason(ReasonCode.STARTS, figures=figures)
    return _energy(problem, found, plan)


def _energy(problem: Problem, found: Coordinated, plan: DevicePlan) -> Reason:
    """What it takes and gives, and for how much: what the site pays with it, less what it would pay without.

    At a net power of zero the price of one kWh more would mislead: a battery that got it there saved buying.
    """
    net_w, durations_s = found.loads_w[0], problem.horizon.durations_s
    kwh = plan.power_w * durations_s / J_PER_KWH
    eur = problem.cost.energy_eur_by_step(net_w, durations_s)
    eur = eur - problem.cost.energy_eur_by_step(net_w - plan.power_w, durations_s)
    figures: dict[str, Figure] = {}
    for verb, sign in (("takes", 1.0), ("gives", -1.0)):
        steps = sign * kwh > 0.0
        amount = sign * float(kwh[steps].sum())
        if amount > LEAST_KWH:
            figures[f"{verb}_kwh"] = amount
            figures[f"{verb}_eur_per_kwh"] = sign * float(eur[steps].sum()) / amount
    return Reason(ReasonCode.ENERGY if figures else ReasonCode.RESTS, figures=figures)


def _moved(
    problem: Problem, found: Coordinated, resource: Resource, plan: DevicePlan, objectives: list[Objective]
) -> Iterator[Reason]:
    if not objectives:
        return
    loads_w = others_w(problem, found.plans, resource)
    for objective in objectives:
        cost = problem.cost.without(objective).with_peak(float(found.loads_w[0].max()))
        otherwise = best_response(resource, cost.seen_by(loads_w, resource.phase_shares), problem.horizon)
        if otherwise is None:
            continue
        change_w = plan.power_w - otherwise.power_w
        moved_kwh = float(np.abs(change_w) @ problem.horizon.durations_s) / J_PER_KWH / 2
        steps = np.flatnonzero(np.abs(change_w) > NOTICEABLE_W)
        if moved_kwh >= MOVED_KWH and steps.size:
            first = int(steps[0])
            figures: dict[str, Figure] = {
                "moved_kwh": moved_kwh,
                "first_at": _moment(problem.horizon, first),
                "planned_w": float(plan.power_w[first]),
                "otherwise_w": float(otherwise.power_w[first]),
            }
            yield Reason(ReasonCode.MOVED, objective, figures)


def _that_matter(problem: Problem, found: Coordinated) -> list[Objective]:
    """By stage; what the site pays for energy is in everything, so it is not asked for."""
    terms = sorted(problem.cost.terms, key=lambda term: term.stage)
    return list(dict.fromkeys(term.objective for term in terms if term.binds(found.loads_w)))


def _missed(plan: DevicePlan) -> Iterator[Reason]:
    if plan.own.comfort_eur > NOTICEABLE_COMFORT_EUR:
        yield Reason(ReasonCode.COMFORT, figures={"comfort_eur": plan.own.comfort_eur})


def _exceeds(horizon: Horizon, found: Coordinated, term: Term, beyond_w: np.ndarray) -> Reason:
    worst = int(beyond_w.argmax())
    expected_w = float(found.loads_w[term.circuit, worst])
    figures: dict[str, Figure] = {
        "worst_at": _moment(horizon, worst),
        "expected_w": expected_w,
        "limit_w": expected_w - float(beyond_w[worst]) * (1.0 if term.above else -1.0),
        "over_kwh": float(beyond_w @ horizon.durations_s) / J_PER_KWH,
        "circuit": Circuit(term.circuit).name,
        "source": term.source,
    }
    return Reason(ReasonCode.EXCEEDS, term.objective, figures)


def _missing(site: SiteState) -> Iterator[Reason]:
    for resource in site.resources:
        if resource.not_ready:
            yield Reason(ReasonCode.LEFT_OUT, figures={"name": resource.name, "why": resource.not_ready})
    if not site.main_meter_is_recent:
        yield Reason(ReasonCode.NO_METER)
    if not site.base_history:
        yield Reason(ReasonCode.NO_HISTORY)


def _moment(horizon: Horizon, step: int) -> str:
    return horizon.step_start(step).astimezone(UTC).isoformat()
