"""Plans over operation modes: the best factors of each combination of modes, then the best walk through the states.

Without a store, what a combination costs in a step depends on nothing that was done before. So its best factors are
found by themselves, once for each step and combination; what is left is a walk through states and moves. Both are
exact. The cost of a step is piecewise linear in the factors, so its least is at a corner: each factor at one of its
ends, but one that brings the power to a hinge or the supply to a bound of the demand, or two that do both together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cem_service.planners.kernels import filling_kernel, kernel, part_of_kernel

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

J_PER_KWH = 3.6e6
# With more factors than this that are free to choose, they are chosen one after the other.
MOST_JOINT_FACTORS = 4
ROUNDS = 3

# Columns of `Lines.table`.
POWER, POWER_SPAN, SUPPLY, SUPPLY_SPAN, EUR, EUR_SPAN = range(6)


@dataclass(frozen=True, slots=True)
class Lines:
    """What modes do at factor 0 and by how much more at factor 1: power in W, supply, EUR per second; (modes, 6).

    `combinations` holds a row of the table for each machine, shape (combinations, machines).
    """

    table: Floats
    combinations: Ints


@dataclass(frozen=True, slots=True)
class Demand:
    """What is to be supplied, from `least` to `most` in each step, and EUR for a unit of it that is missing or in
    excess for a second."""

    least: Floats
    most: Floats
    missing_eur: float
    excess_eur: float

    @classmethod
    def none(cls, steps: int) -> Demand:
        return cls(np.zeros(steps), np.zeros(steps), 0.0, 0.0)

    def eur_per_s(self, supply: Floats, step: Ints) -> Floats:
        """What each supply, in the step that is named for it, misses."""
        missing = np.maximum(self.least[step] - supply, 0.0)
        excess = np.maximum(supply - self.most[step], 0.0)
        return self.missing_eur * missing + self.excess_eur * excess


@dataclass(frozen=True, slots=True)
class Hinges:
    """A `PowerCost` as arrays: slope (steps,), at_w and weight (steps, hinges), in EUR/kWh and W."""

    slope: Floats
    at_w: Floats
    weight: Floats


@dataclass(frozen=True, slots=True)
class Walk:
    """State `n` has the moves `begins[n]` up to `begins[n + 1]`; state 0 is where it begins.

    A move leads to the state `to`, costs `eur`, and has the parts `part_begins[m]` up to `part_begins[m + 1]`: for a
    `share` of the step the combination `part_of` holds.
    """

    begins: Ints
    to: Ints
    eur: Floats
    part_begins: Ints
    part_of: Ints
    share: Floats


def best_factors(hinges: Hinges, durations_s: Floats, lines: Lines, demand: Demand) -> tuple[Floats, Floats]:
    """(EUR of each step and combination at its best factors, those factors by machine)."""
    wanted = np.empty((durations_s.size, 4))
    wanted[:, 0], wanted[:, 1] = demand.least, demand.most
    wanted[:, 2], wanted[:, 3] = demand.missing_eur, demand.excess_eur
    prices = np.column_stack((hinges.slope, hinges.at_w, hinges.weight))
    return _best_factors(prices, wanted, durations_s, lines.table, lines.combinations)


def walk_back(stage_eur: Floats, walk: Walk) -> tuple[Floats, Ints]:
    """(cost from each edge and state on, shape (steps + 1, states); the best move there, shape (steps, states))."""
    return _walk_back(stage_eur, walk.begins, walk.to, walk.eur, walk.part_begins, walk.part_of, walk.share)


def walk_on(best: Ints, walk: Walk) -> Ints:
    """The moves from state 0 on, one for each step."""
    return _walk_on(best, walk.to)


def warm_up() -> None:
    table = np.array([[0.0, 0.0, 0.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 1.0, 0.0, 1.0]])
    lines = Lines(table, np.array([[0, 1], [1, 1]], dtype=np.int64))
    hinges = Hinges(np.ones(1), np.zeros((1, 1)), np.ones((1, 1)))
    eur, _ = best_factors(hinges, np.ones(1), lines, Demand.none(1))
    one = np.array([0, 1], dtype=np.int64)
    walk = Walk(one, one[:1], np.zeros(1), one, one[:1], np.ones(1))
    walk_on(walk_back(eur, walk)[1], walk)


@kernel
def _best_factors(
    prices: Floats, wanted: Floats, durations_s: Floats, table: Floats, combinations: Ints
) -> tuple[Floats, Floats]:
    """A row of `prices` is slope, hinges, weights; one of `wanted` least, most, and what missing and excess cost."""
    count, machines = combinations.shape
    eur = np.empty((durations_s.size, count))
    factors = np.zeros((durations_s.size, count, machines))
    lines, free, trial = np.empty((machines, 6)), np.empty(machines, np.int64), np.zeros(machines)
    for c in range(count):
        _of_combination(c, prices, wanted, durations_s, table, combinations[c], lines, free, trial, eur, factors)
    return eur, factors


@filling_kernel
def _of_combination(
    c: int,
    prices: Floats,
    wanted: Floats,
    durations_s: Floats,
    table: Floats,
    modes: Ints,
    lines: Floats,
    free: Ints,
    trial: Floats,
    eur: Floats,
    factors: Floats,
) -> None:
    """Fill in a column of `eur` and `factors`. `lines`, `free` and `trial` are room for one combination."""
    found = 0
    for m in range(modes.size):
        trial[m] = 0.0
        _copy(table[modes[m]], lines[m])
        if lines[m, POWER_SPAN] != 0.0 or lines[m, SUPPLY_SPAN] != 0.0 or lines[m, EUR_SPAN] != 0.0:
            free[found] = m
            found += 1
    for t in range(durations_s.size):
        if found <= MOST_JOINT_FACTORS:
            best = _at_corners(lines, free[:found], prices[t], wanted[t], trial, factors[t, c])
        else:
            best = _in_turn(lines, free[:found], prices[t], wanted[t], trial, factors[t, c])
        eur[t, c] = best * durations_s[t]


@filling_kernel
def _at_corners(lines: Floats, free: Ints, prices: Floats, wanted: Floats, trial: Floats, chosen: Floats) -> float:
    """EUR per second at the best corner; its factors are left in `chosen`."""
    best = np.inf
    for mask in range(1 << free.size):
        for b in range(free.size):
            trial[free[b]] = float((mask >> b) & 1)
        best = _try(lines, prices, wanted, trial, best, chosen)
        for b in range(free.size):
            if (mask >> b) & 1:
                continue
            best = _on_a_hinge(free[b], lines, prices, wanted, trial, best, chosen)
            for other in range(b + 1, free.size):
                if not (mask >> other) & 1:
                    best = _on_both(free[b], free[other], lines, prices, wanted, trial, best, chosen)
    return best


@filling_kernel
def _in_turn(lines: Floats, free: Ints, prices: Floats, wanted: Floats, trial: Floats, chosen: Floats) -> float:
    """As `_at_corners`, each factor in turn against the others; from all at 0, and from all at 1."""
    best = np.inf
    for begin in (0.0, 1.0):
        for m in free:
            trial[m] = begin
        best = _try(lines, prices, wanted, trial, best, chosen)
        for _ in range(ROUNDS):
            for m in free:
                _copy(chosen, trial)
                for end in (0.0, 1.0):
                    trial[m] = end
                    best = _try(lines, prices, wanted, trial, best, chosen)
                best = _on_a_hinge(m, lines, prices, wanted, trial, best, chosen)
    return best


@filling_kernel
def _on_a_hinge(
    m: int, lines: Floats, prices: Floats, wanted: Floats, trial: Floats, best: float, chosen: Floats
) -> float:
    """Try the factors of one machine that bring the power to a hinge, or the supply to a bound of the demand."""
    before = trial[m]
    trial[m] = 0.0
    power, supply = _total(lines, trial, POWER), _total(lines, trial, SUPPLY)
    hinges = (prices.size - 1) // 2
    for k in range(hinges + 2):
        span = lines[m, POWER_SPAN] if k < hinges else lines[m, SUPPLY_SPAN]
        missing = prices[1 + k] - power if k < hinges else wanted[k - hinges] - supply
        if span != 0.0 and 0.0 < missing / span < 1.0:
            trial[m] = missing / span
            best = _try(lines, prices, wanted, trial, best, chosen)
    trial[m] = before
    return best


@filling_kernel
def _on_both(
    m: int, n: int, lines: Floats, prices: Floats, wanted: Floats, trial: Floats, best: float, chosen: Floats
) -> float:
    """Try the factors of two machines, both at 0 now, that bring power and supply to a hinge and a bound at once."""
    power, supply = _total(lines, trial, POWER), _total(lines, trial, SUPPLY)
    determinant = lines[m, POWER_SPAN] * lines[n, SUPPLY_SPAN] - lines[n, POWER_SPAN] * lines[m, SUPPLY_SPAN]
    if determinant == 0.0:
        return best
    for k in range((prices.size - 1) // 2):
        for bound in range(2):
            more_w, more = prices[1 + k] - power, wanted[bound] - supply
            first = (more_w * lines[n, SUPPLY_SPAN] - lines[n, POWER_SPAN] * more) / determinant
            second = (lines[m, POWER_SPAN] * more - more_w * lines[m, SUPPLY_SPAN]) / determinant
            if 0.0 < first < 1.0 and 0.0 < second < 1.0:
                trial[m], trial[n] = first, second
                best = _try(lines, prices, wanted, trial, best, chosen)
    trial[m], trial[n] = 0.0, 0.0
    return best


@filling_kernel
def _try(lines: Floats, prices: Floats, wanted: Floats, trial: Floats, best: float, chosen: Floats) -> float:
    """The lesser of `best` and EUR per second at the factors `trial`, which are kept in `chosen` if it is theirs."""
    power, supply = _total(lines, trial, POWER), _total(lines, trial, SUPPLY)
    hinges = (prices.size - 1) // 2
    rate: float = prices[0] * power
    for k in range(hinges):
        rate += prices[1 + hinges + k] * max(power - prices[1 + k], 0.0)
    rate = rate / J_PER_KWH + _total(lines, trial, EUR)
    rate += wanted[2] * max(wanted[0] - supply, 0.0) + wanted[3] * max(supply - wanted[1], 0.0)
    if rate < best:
        _copy(trial, chosen)
        return rate
    return best


@part_of_kernel
def _copy(these: Floats, into: Floats) -> None:
    """An array that is assigned to another as a whole might be copied to new memory before."""
    for k in range(these.size):
        into[k] = these[k]


@part_of_kernel
def _total(lines: Floats, factors: Floats, column: int) -> float:
    """Over all machines; the column after it holds the spans."""
    total: float = 0.0
    for m in range(factors.size):
        total += lines[m, column] + factors[m] * lines[m, column + 1]
    return total


@kernel
def _walk_back(
    stage_eur: Floats, begins: Ints, to: Ints, eur: Floats, part_begins: Ints, part_of: Ints, share: Floats
) -> tuple[Floats, Ints]:
    steps, states = stage_eur.shape[0], begins.size - 1
    cost_to_go = np.zeros((steps + 1, states))
    best = np.zeros((steps, states), np.int64)
    for t in range(steps - 1, -1, -1):
        for n in range(states):
            least = np.inf
            for move in range(begins[n], begins[n + 1]):
                cost = eur[move] + cost_to_go[t + 1, to[move]]
                for part in range(part_begins[move], part_begins[move + 1]):
                    cost += share[part] * stage_eur[t, part_of[part]]
                if cost < least:  # The first move is to stay; another one has to be better.
                    least, best[t, n] = cost, move
            cost_to_go[t, n] = least
    return cost_to_go, best


@kernel
def _walk_on(best: Ints, to: Ints) -> Ints:
    moves = np.empty(best.shape[0], np.int64)
    state = 0
    for t in range(best.shape[0]):
        moves[t] = best[t, state]
        state = to[moves[t]]
    return moves
