"""Plans a whole site: one resource after the other, each against the latest plan of all others.

Every resource answers the same question (what is best for the site, given what the rest will take?), so the loop knows
nothing of control types. Two sweeps are enough for a home: the first finds who wants what, the second lets each give
way to what the others found. Limits are part of the site's cost, so a plan that would break one is the dearest of all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np

from cem_service.domain.frbc import FRBCResource
from cem_service.domain.ppbc import PPBCResource
from cem_service.domain.resource import Resource
from cem_service.domain.series import Array
from cem_service.domain.site import SiteState
from cem_service.planners.forecast import forecast_base, forecast_resource, production_can_be_curtailed
from cem_service.planners.horizon import Horizon
from cem_service.planners.margins import usable_limits_w
from cem_service.planners.oracle import best_response, is_planned
from cem_service.planners.plan import DevicePlan, SitePlan
from cem_service.planners.power_cost import J_PER_KWH
from cem_service.planners.ppbc import expected_power_w
from cem_service.planners.site_cost import SiteCost

SWEEPS = 2


@dataclass(frozen=True, slots=True)
class _Problem:
    site: SiteState
    horizon: Horizon
    cost: SiteCost
    base_w: Array  # everything that is not planned for


def plan_site(site: SiteState) -> SitePlan:
    """The plan for the coming 24 hours. Always returns one; what was missing stands in its notes."""
    horizon = Horizon.at(site.now)
    curtailable = production_can_be_curtailed(site)
    cost = SiteCost.of(site, horizon, curtailable=curtailable)
    steered = sorted((one for one in site.resources if is_planned(one)), key=_turn)
    base_w = forecast_base(site, horizon)
    for resource in site.resources:
        if resource not in steered:
            base_w = base_w + _unsteered_power_w(site, resource, horizon)
    problem = _Problem(site, horizon, cost, base_w)
    plans = _best_responses(problem, steered)
    net_w = base_w + np.sum([plan.power_w for plan in plans.values()], axis=0) if plans else base_w
    devices = {one.link_id: _with_reason(problem, one, plans, net_w) for one in steered if one.link_id in plans}
    return SitePlan(
        site_id=site.site_id,
        made_at=site.now,
        start=horizon.start,
        base_w=base_w,
        net_w=np.maximum(net_w, -usable_limits_w(site)[1]) if curtailable else net_w,
        cost_eur=float(cost.eur(net_w, horizon.durations_s).sum()),
        devices=devices,
        notes=_notes(problem, net_w),
    )


def _turn(resource: Resource) -> tuple[bool, float]:
    """Those that must have energy go first, the largest before the others; batteries balance what is left."""
    if isinstance(resource, FRBCResource):
        return resource.can_discharge, -sum(actuator.largest_power_w for actuator in resource.actuators)
    return False, 0.0


def _unsteered_power_w(site: SiteState, resource: Resource, horizon: Horizon) -> Array:
    if isinstance(resource, PPBCResource):
        return expected_power_w(resource, (), horizon)
    return forecast_resource(site, resource, horizon)


def _best_responses(problem: _Problem, steered: list[Resource]) -> dict[UUID, DevicePlan]:
    plans: dict[UUID, DevicePlan] = {}
    for _ in range(SWEEPS if len(steered) > 1 else 1):
        for resource in steered:
            others = [plan.power_w for link_id, plan in plans.items() if link_id != resource.link_id]
            plan = best_response(resource, problem.cost.seen_by(problem.base_w + sum(others)), problem.horizon)
            if plan is not None:
                plans[resource.link_id] = plan
    return plans


def _with_reason(problem: _Problem, resource: Resource, plans: dict[UUID, DevicePlan], net_w: Array) -> DevicePlan:
    plan = plans[resource.link_id]
    if plan.placements:
        return replace(plan, reason=_why_then(problem, resource, plan))
    kwh = plan.power_w * problem.horizon.durations_s / J_PER_KWH
    price = np.where(net_w > 0, problem.cost.buy, problem.cost.sell)
    parts = [
        f"{verb} {abs(amount):z.1f} kWh while a kWh is worth {float((price * share).sum()) / amount:z.2f} EUR"
        for verb, share in (("takes", np.maximum(kwh, 0.0)), ("gives", np.minimum(kwh, 0.0)))
        if abs(amount := float(share.sum())) > 0.05
    ]
    return replace(plan, reason=f"{resource.name} {' and '.join(parts) or 'rests'} over the coming 24 hours.")


def _why_then(problem: _Problem, resource: Resource, plan: DevicePlan) -> str:
    first = plan.placements[0]
    start = first.start.astimezone(ZoneInfo(problem.site.timezone))
    if plan.reason:
        return f"{resource.name} starts at {start:%H:%M}: {plan.reason}."
    cost = sum(placement.cost_eur for placement in plan.placements)
    saved = first.cost_now_eur - first.cost_eur
    return f"{resource.name} starts at {start:%H:%M} and costs {cost:z.2f} EUR, {saved:z.2f} EUR less than at once."


def _notes(problem: _Problem, net_w: Array) -> tuple[str, ...]:
    site, zone = problem.site, ZoneInfo(problem.site.timezone)
    notes = [f"{one.name} is left out: {one.not_ready}." for one in site.resources if one.not_ready]
    if not site.main_meter_is_recent:
        notes.append("There is no recent reading of the main meter; only measured resources count.")
    if not site.base_history:
        notes.append("There is no history of the base load yet; it is taken as it is now.")
    over = np.flatnonzero(net_w > site.fuse_limit_w + 1.0)
    if over.size:
        worst = over[net_w[over].argmax()]
        moment = problem.horizon.step_start(int(worst)).astimezone(zone)
        notes.append(
            f"At {moment:%H:%M} {net_w[worst]:z,.0f} W are expected and the fuse allows {site.fuse_limit_w:z,.0f} W."
        )
    return tuple(notes)
