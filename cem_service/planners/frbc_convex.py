"""Plans a store exactly where all that it can do is convex: most batteries, and whatever modulates down to nothing.

The conditions are those under which the kernel's optimum is the store's: one actuator whose modes make up one curve of
power over fill rate, along which each unit takes more power than the one before; the same at every fill level, leakage
included; a switch at any time, at no cost; a cost of power that is convex. Anything else goes to the grid.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise, permutations

import numpy as np

from cem_service.domain.frbc import Actuator, FRBCResource
from cem_service.domain.series import Array
from cem_service.planners.horizon import Horizon
from cem_service.planners.kernels.store_convex import DONE, ConvexPlans, plan_all
from cem_service.planners.kernels.store_convex_walk import ConvexStores
from cem_service.planners.kernels.store_values import value_levels, value_rows
from cem_service.planners.plan import STEP, DevicePlan, OwnCost, ValueTable
from cem_service.planners.power_cost import PowerCost
from cem_service.planners.same import Same
from cem_service.planners.store import OUT_OF_RANGE_EUR, EdgeCost, edge_cost, leftover_eur_per_unit, usage_rates
from cem_service.planners.ways import SWITCH_EUR, ways_of

# Edges of the value table: the reactive layer looks 15 minutes ahead, and a plan may be an hour old.
VALUE_EDGES = 6
# Breakpoints that are nearer to each other than one of so many parts of the range are one in the value table.
BREAKPOINT_SPACES = 1000

# A transition that takes no longer is over before a step notices.
NO_TIME_S = 9.0
NEGLIGIBLE = 1e-9

Corner = tuple[float, float]  # rate in units per second, power in W


@dataclass(frozen=True)
class ConvexStore:
    """All of one store that does not depend on prices."""

    rates: Array
    powers_w: Array
    drift: Array
    bottom: float
    top: float
    edges: EdgeCost

    @cached_property
    def alone(self) -> ConvexStores:
        """For a call of the kernel with its present level, and with what is worth how much at the end."""
        return together([self], [self.bottom], [0.0])


def plan_convex(resource: FRBCResource, cost: PowerCost, horizon: Horizon) -> DevicePlan | None:
    """The optimum; None where something is not convex, or no plan stays within the bounds."""
    if resource.fill_level is None or not cost.is_convex:
        return None
    store = convex_store(resource, horizon)
    if store is None:
        return None
    leftover = leftover_eur_per_unit(resource, cost)
    level = min(max(resource.fill_level, store.bottom), store.top)
    stores = store.alone._replace(level=np.array([level]), leftover_eur=np.array([leftover]))
    plans = plan_all(
        stores, horizon.durations_s, cost.slope[None], cost.at_w[None], cost.weight[None], min(VALUE_EDGES, cost.steps)
    )
    if plans.status[0] != DONE:
        return None
    levels = plans.levels[0]
    switches = np.count_nonzero(np.diff(np.sign(plans.power_w[0])))
    own = OwnCost(float(plans.edges_eur[0]), -leftover * float(levels[-1]), SWITCH_EUR * switches)
    values = _value_table(resource, plans, horizon)
    return DevicePlan(resource.link_id, plans.power_w[0], levels, values, own=own)


def together(stores: list[ConvexStore], levels: list[float], leftover_eur: list[float]) -> ConvexStores:
    """Several stores of as many corners and hinges for one call of the kernel."""
    return ConvexStores(
        level=np.clip(levels, [one.bottom for one in stores], [one.top for one in stores]),
        rates=np.stack([one.rates for one in stores]),
        powers_w=np.stack([one.powers_w for one in stores]),
        drift=np.stack([one.drift for one in stores]),
        room=np.array([(one.bottom, one.top) for one in stores]),
        below=np.stack([one.edges.below for one in stores]),
        above=np.stack([one.edges.above for one in stores]),
        leftover_eur=np.array(leftover_eur, dtype=np.float64),
    )


def convex_store(resource: FRBCResource, horizon: Horizon) -> ConvexStore | None:
    """None where something but the cost of power is not convex."""
    return _convex_store(Same(resource), horizon)


@lru_cache(maxsize=256)
def _convex_store(same: Same, horizon: Horizon) -> ConvexStore | None:
    resource = same.one
    leakage = {rate for _, _, rate in resource.leakage}
    if len(resource.actuators) != 1 or len(leakage) > 1 or not switches_freely(resource.actuators[0], horizon):
        return None
    curve = power_curve(resource)
    drift = -usage_rates(resource, horizon) - sum(leakage)
    if curve is None or (drift > 0).any() or (resource.can_discharge and resource.usage is not None):
        return None
    rates, powers_w = np.array(curve).T
    bottom, top, level = resource.lowest_level, resource.highest_level, resource.fill_level or 0.0
    slack = NEGLIGIBLE * max(1.0, abs(bottom), abs(top))
    if rates[0] >= 0.0:
        # Only its own draining carries such a store below its lowest level; that is dear, but it can be.
        bottom = min(bottom, level) + float(drift @ horizon.durations_s) - (top - bottom)
    if not bottom - slack <= level <= top + slack:
        return None
    return ConvexStore(rates, powers_w, drift, bottom, top, edge_cost(resource, horizon))


def switches_freely(actuator: Actuator, horizon: Horizon) -> bool:
    """Whether any mode may follow any other from one step to the next, at no cost."""
    modes = [mode.mode_id for mode in actuator.usable_modes]
    if actuator.active_mode_id not in modes or actuator.on_its_way_s(horizon.now) > NO_TIME_S:
        return False
    ways = {(way.from_mode_id, way.to_mode_id): way for each in ways_of(actuator).values() for way in each}
    if any(pair not in ways for pair in permutations(modes, 2)):
        return False
    timers = {timer for way in ways.values() for timer in way.blocking_timers}
    return (
        all(way.eur <= 2 * SWITCH_EUR + NEGLIGIBLE and way.duration_s <= NO_TIME_S for way in ways.values())
        and all(actuator.timer_durations_s.get(timer, 0.0) <= STEP.total_seconds() for timer in timers)
        and all(actuator.timers_end[timer] <= horizon.now for timer in timers if timer in actuator.timers_end)
    )


def power_curve(resource: FRBCResource) -> list[Corner] | None:
    """Corners of power over fill rate, ascending; None where the modes do not make up one convex curve."""
    pieces = _pieces(resource)
    if not pieces:
        return None
    corners = list(dict.fromkeys(pieces[0]))  # A mode that stands still is one corner.
    for start, end in pieces[1:]:
        reach = corners[-1]
        if not _is_on(corners, start) or (end[0] <= reach[0] and not _is_on(corners, end)):
            return None
        if end[0] > reach[0]:
            if not _same(start, reach):
                return None
            corners.append(end)
    slopes = [(after[1] - before[1]) / (after[0] - before[0]) for before, after in pairwise(corners)]
    ascend = all(one <= two * (1 + NEGLIGIBLE) for one, two in pairwise(slopes))
    return corners if slopes and slopes[0] > 0 and ascend else None


def _pieces(resource: FRBCResource) -> list[tuple[Corner, Corner]] | None:
    """What each mode can do, by rate; None where that depends on the level, or costs something to run."""
    pieces = []
    for mode in resource.actuators[0].usable_modes:
        does = {
            (one.rate_at_0, one.power_at_0_w, one.rate_at_1, one.power_at_1_w, one.running_cost_eur_per_s)
            for one in mode.elements
        }
        covers = mode.elements and (
            mode.elements[0].level_from <= resource.lowest_level
            and mode.elements[-1].level_to >= resource.highest_level
        )
        if len(does) != 1 or not covers:
            return None
        rate_at_0, power_at_0_w, rate_at_1, power_at_1_w, running_eur = does.pop()
        start, end = sorted(((rate_at_0, power_at_0_w), (rate_at_1, power_at_1_w)))
        if running_eur != 0 or (start[0] == end[0] and start[1] != end[1]):
            return None
        pieces.append((start, end))
    # A mode that stands still comes after those that it begins in or ends, so that it finds them laid out.
    return sorted(pieces, key=lambda piece: (piece[0][0], -piece[1][0]))


def _is_on(corners: list[Corner], point: Corner) -> bool:
    rates, powers_w = zip(*corners, strict=True)
    within = rates[0] - NEGLIGIBLE * abs(rates[0]) <= point[0] <= rates[-1] + NEGLIGIBLE * abs(rates[-1])
    return within and _near(float(np.interp(point[0], rates, powers_w)), point[1], max(map(abs, powers_w)))


def _same(one: Corner, two: Corner) -> bool:
    return _near(one[0], two[0], abs(one[0])) and _near(one[1], two[1], abs(one[1]))


def _near(one: float, two: float, size: float) -> bool:
    return abs(one - two) <= NEGLIGIBLE * max(size, NEGLIGIBLE)


def _value_table(resource: FRBCResource, plans: ConvexPlans, horizon: Horizon) -> ValueTable:
    """The value functions of the first edges, at the breakpoints of all of them that lie in the store's range."""
    lowest, highest, level = resource.lowest_level, resource.highest_level, float(plans.levels[0, 0])
    levels = value_levels(plans.at[0], plans.pieces[0], (min(lowest, level), highest), BREAKPOINT_SPACES)
    beyond_eur = OUT_OF_RANGE_EUR * resource.kwh_per_unit
    cost_eur = value_rows(plans.at[0], plans.slopes[0], plans.pieces[0], levels, beyond_eur)
    return ValueTable(horizon.start, levels, cost_eur)
