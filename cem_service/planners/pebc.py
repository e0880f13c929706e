"""Plans a power envelope: where a resource is left free, and where limits are drawn narrower.

It starts from what the resource would take by itself; limits can only take power away, towards 0 W. What becomes of the
energy is the resource's own word (R-81):

* VANISH: it is lost. Each step stands for itself, and its best power is at a hinge of the cost or an end of a range.
* DEFER: it comes back as soon as the limits allow. That is a store of what is owed, which is never ahead: the kernel of
  convex stores plans it exactly where one range from 0 W up is on offer. Else the nearest limit on offer is drawn, and
  what that leaves over is made up for in the steps that follow.

What was put off is made up for before an energy window ends, and over each window the limits leave room for all that
may be wanted in it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cem_service.domain.pebc import PEBCResource
from cem_service.domain.series import Array
from cem_service.planners.drawn import NEGLIGIBLE_W, Drawn, Side
from cem_service.planners.horizon import Horizon
from cem_service.planners.kernels.store_convex import DONE, plan_all
from cem_service.planners.kernels.store_convex_walk import ConvexStores
from cem_service.planners.plan import DevicePlan, OwnCost
from cem_service.planners.power_cost import J_PER_KWH, PowerCost

# Cutting is what a limit or a negative price has to pay for. A kWh not produced costs next to nothing beyond its price;
# one not consumed is somebody's comfort.
LOST_PRODUCTION_EUR_PER_KWH = 0.001
LOST_CONSUMPTION_EUR_PER_KWH = 1.0
# For each kWh and step that it waits, so that of two plans that cost the same the earlier one is taken.
WAITING_EUR_PER_KWH = 1e-5
# A level on the very edge of its range is beyond it for one digit of rounding.
OWED_BEFORE_KWH = 1e-9
# A device that forecasts nothing takes what its limits allow, up to a power that is no mistake.
MOST_W = 1e5


def plan_envelope(resource: PEBCResource, cost: PowerCost, horizon: Horizon) -> DevicePlan | None:
    """The plan of a ready resource; None where nobody knows what it would take by itself."""
    if resource.free is None:
        return None
    course = Course.of(resource, horizon)
    draw = _cut if resource.energy_is_lost else _put_off
    drawn = draw(course, cost, horizon)
    drawn.limits_w[~in_force(resource, horizon)] = np.nan
    drawn.drop_what_is_not_on_offer()
    power_w = course.within(drawn, horizon)
    if resource.windows:
        step_eur = cost.eur(course.free_w, horizon.durations_s) - cost.eur(power_w, horizon.durations_s)
        drawn.leave_room(step_eur, horizon)
        power_w = course.within(drawn, horizon)
    return DevicePlan(
        resource.link_id, power_w, envelopes=drawn.spans(horizon), own=_own_cost(course, power_w, horizon)
    )


def plan_of_freedom(resource: PEBCResource, horizon: Horizon) -> DevicePlan:
    """What it takes if nobody limits it."""
    return DevicePlan(resource.link_id, Course.of(resource, horizon).free_w)


def in_force(resource: PEBCResource, horizon: Horizon) -> NDArray[np.bool_]:
    """The steps for which the limits on offer are known; beyond the end of the constraints nothing is."""
    ends = np.inf if resource.valid_until is None else resource.valid_until.timestamp()
    steps: NDArray[np.bool_] = horizon.edges[1:] <= ends
    return steps


@dataclass(frozen=True, slots=True)
class Course:
    """What a resource takes by itself in each step, and the most that it takes at all to make up for what it is owed.

    `sign` is the direction in which energy is put off: that of most of it.
    """

    resource: PEBCResource
    free_w: Array
    sign: float
    most_w: float

    @classmethod
    def of(cls, resource: PEBCResource, horizon: Horizon) -> Course:
        free_w = np.zeros(horizon.steps) if resource.free is None else resource.free.means(horizon.edges, 0.0)
        energy = float(free_w @ horizon.durations_s) + sum(one.least_w + one.most_w for one in resource.windows)
        sign = -1.0 if energy < 0.0 else 1.0
        widest_w = float(np.clip(Side.of(resource, sign).widest_w, 0.0, MOST_W).sum())
        most_w = max(float((sign * free_w).max()), 0.0)
        if resource.power_forecast is None and widest_w < MOST_W:
            most_w = max(most_w, widest_w)
        return cls(resource, free_w, sign, most_w).with_windows(horizon)

    def with_windows(self, horizon: Horizon) -> Course:
        """What a window says that it takes at least, and no forecast knows of, it takes as soon as it can."""
        free_w, most_w = self.free_w.copy(), self.most_w
        for window in self.resource.windows:
            least_w = window.least_w if self.sign > 0 else -window.most_w
            begins = max(window.start.timestamp(), float(horizon.edges[0]))
            missing_j = least_w * max(window.end.timestamp() - begins, 0.0)
            inside = (horizon.edges[:-1] < window.end.timestamp()) & (horizon.edges[1:] > begins)
            missing_j -= float(np.maximum(self.sign * free_w, 0.0)[inside] @ horizon.durations_s[inside])
            most_w = max(most_w, least_w)
            for step in np.flatnonzero(inside):
                duration_s = float(horizon.durations_s[step])
                more_w = min(max(missing_j, 0.0) / duration_s, max(most_w - self.sign * free_w[step], 0.0))
                free_w[step] += self.sign * more_w
                missing_j -= more_w * duration_s
        return replace(self, free_w=free_w, most_w=most_w)

    def within(self, drawn: Drawn, horizon: Horizon) -> Array:
        """Its power under these limits."""
        limit_w = drawn.amount_w
        if self.resource.energy_is_lost:
            amount_w = np.minimum(np.maximum(drawn.sign * self.free_w, 0.0), limit_w)
            result: Array = np.where(drawn.holds, drawn.sign * amount_w, self.free_w)
            return result
        taken_w: list[float] = []
        owed_j = 0.0
        steps = zip(self.by_itself_w.tolist(), limit_w.tolist(), horizon.durations_s.tolist(), strict=True)
        for by_itself_w, allowed_w, duration_s in steps:
            taken_w.append(min(self.wanted_w(by_itself_w, owed_j, duration_s), allowed_w))
            owed_j = max(owed_j + (by_itself_w - taken_w[-1]) * duration_s, 0.0)
        return self.sign * np.array(taken_w)

    @property
    def by_itself_w(self) -> Array:
        """The amount of each step if nobody limits it; below 0 where it goes in the other direction."""
        return self.sign * self.free_w

    def wanted_w(self, by_itself_w: float, owed_j: float, duration_s: float) -> float:
        """The amount that it takes in a step that is left free."""
        return max(min(by_itself_w + owed_j / duration_s, self.most_w), by_itself_w)


def _cut(course: Course, cost: PowerCost, horizon: Horizon) -> Drawn:
    """Each step's best limit, where one is better than none."""
    drawn = Drawn.nothing(course.resource, course.free_w)
    best_eur = cost.eur(course.free_w, horizon.durations_s)
    for sign, lost_eur_per_kwh in ((1.0, LOST_CONSUMPTION_EUR_PER_KWH), (-1.0, LOST_PRODUCTION_EUR_PER_KWH)):
        side = Side.of(course.resource, sign)
        free_w = np.maximum(sign * course.free_w, 0.0)[:, None]
        if not free_w.any():
            continue
        ends_w = np.broadcast_to(side.ends_w, (horizon.steps, side.ends_w.size))
        wanted_w = np.hstack((sign * cost.at_w, ends_w, np.zeros((horizon.steps, 1))))
        limits_w = side.on_offer(np.clip(wanted_w, 0.0, free_w))
        amounts_w = limits_w.sum(axis=2)
        lost_kwh = np.maximum(free_w - amounts_w, 0.0) * horizon.durations_s[:, None] / J_PER_KWH
        eur = cost.eur(sign * np.minimum(amounts_w, free_w), horizon.durations_s) + lost_eur_per_kwh * lost_kwh
        cuts = amounts_w < free_w - NEGLIGIBLE_W
        for index in np.flatnonzero(cuts.any(axis=0)):
            better = cuts[:, index] & (eur[:, index] < best_eur - 1e-12)
            best_eur = np.where(better, eur[:, index], best_eur)
            drawn.limits_w[better] = limits_w[better, index]
    return drawn


def _put_off(course: Course, cost: PowerCost, horizon: Horizon) -> Drawn:
    """Limits under which the resource follows the best plan of what it is owed, as near as those on offer allow."""
    drawn = Drawn.nothing(course.resource, course.free_w)
    drawn.sign[:] = course.sign
    side = Side.of(course.resource, course.sign)
    best_owed_j = np.cumsum((course.by_itself_w - _best_amounts_w(course, cost, horizon)) * horizon.durations_s)
    owed_j = 0.0
    steps = zip(course.by_itself_w.tolist(), best_owed_j.tolist(), horizon.durations_s.tolist(), strict=True)
    for step, (by_itself_w, goal_j, duration_s) in enumerate(steps):
        takes_w = course.wanted_w(by_itself_w, owed_j, duration_s)
        goal_w = by_itself_w + (owed_j - goal_j) / duration_s
        if goal_w < takes_w - NEGLIGIBLE_W:
            limits_w = side.nearest_on_offer(max(goal_w, 0.0))
            if limits_w.sum() < takes_w - NEGLIGIBLE_W:
                drawn.limits_w[step] = limits_w
                takes_w = float(limits_w.sum())
        owed_j = max(owed_j + (by_itself_w - takes_w) * duration_s, 0.0)
    return drawn


def _best_amounts_w(course: Course, cost: PowerCost, horizon: Horizon) -> Array:
    """The amount of each step that is best if any up to the most is allowed, and all is made up for in time."""
    by_itself_w = np.maximum(course.by_itself_w, 0.0)
    if course.most_w <= NEGLIGIBLE_W:
        return by_itself_w
    cost = cost if course.sign > 0 else cost.mirrored()
    # Where a kWh more may cost less there is no optimum to be had by slopes; any plan is allowed, so this one will do.
    weight = np.maximum(cost.weight, 0.0)
    plans = plan_all(
        _as_store(course, by_itself_w, horizon),
        horizon.durations_s,
        np.ascontiguousarray(cost.slope)[None],
        np.ascontiguousarray(cost.at_w)[None],
        np.ascontiguousarray(weight)[None],
        1,
    )
    return plans.power_w[0] if plans.status[0] == DONE else by_itself_w


def _as_store(course: Course, by_itself_w: Array, horizon: Horizon) -> ConvexStores:
    """What is owed, as a level in kWh that is never above 0 and falls by what the resource would take by itself."""
    per_s = 1.0 / J_PER_KWH
    below = np.zeros((horizon.steps + 1, 2, 2))
    below[:, 0, 1] = WAITING_EUR_PER_KWH
    below[_ends_of_windows(course.resource, horizon), 1, 1] = LOST_CONSUMPTION_EUR_PER_KWH
    return ConvexStores(
        level=np.full(1, -OWED_BEFORE_KWH),
        rates=np.array([[0.0, course.most_w * per_s]]),
        powers_w=np.array([[0.0, course.most_w]]),
        drift=-by_itself_w[None] * per_s,
        room=np.array([(-float(by_itself_w @ horizon.durations_s) * per_s - 1.0, 0.0)]),
        below=below[None],
        above=np.zeros((1, horizon.steps + 1, 1, 2)),
        leftover_eur=np.zeros(1),
    )


def _ends_of_windows(resource: PEBCResource, horizon: Horizon) -> list[int]:
    """The edges by which all that was put off has to be made up for; the end of the horizon is one."""
    ends = [one.end.timestamp() for one in resource.windows]
    if resource.valid_until is not None:
        ends.append(resource.valid_until.timestamp())
    found = {int(np.searchsorted(horizon.edges, end, side="right")) - 1 for end in ends}
    return sorted({edge for edge in found if edge > 0} | {horizon.steps})


def _own_cost(course: Course, power_w: Array, horizon: Horizon) -> OwnCost:
    kwh = horizon.durations_s / J_PER_KWH
    taken = np.maximum(course.free_w, 0.0) - np.maximum(power_w, 0.0)
    given = np.minimum(power_w, 0.0) - np.minimum(course.free_w, 0.0)
    lost, unused = float(taken @ kwh), float(given @ kwh)
    return OwnCost(
        comfort_eur=LOST_CONSUMPTION_EUR_PER_KWH * max(lost, 0.0),
        money_eur=LOST_PRODUCTION_EUR_PER_KWH * max(unused, 0.0),
    )
