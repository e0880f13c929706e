"""The states that machines can be in at the edges between steps, and the moves between them: what a plan walks on.

A machine's state is its mode, how many steps each of its timers still blocks, and for how long it still acts as the
mode that it left, while a transition is under way. Only states that can be reached from the present one are laid out.
Timers are rounded up to whole steps, so that a plan never counts on a way that is still closed.

Several machines move at once, each by itself; a state of all of them is one of each, and so is a move.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain, pairwise
from typing import Any, NamedTuple

import numpy as np

from cem_service.domain.machines import Machine
from cem_service.planners.horizon import Horizon
from cem_service.planners.kernels.modes import Floats, Ints, Walk
from cem_service.planners.plan import STEP
from cem_service.planners.ways import Way, ways_of

STEP_S = STEP.total_seconds()

# More of these would take a plan more than some milliseconds; then it looks less closely, see `graph_of`.
MOST_STATES = 3000
MOST_MOVES = 10_000

Machines = tuple[Machine[Any], ...]
Combination = tuple[str, ...]  # the mode of each machine


class MachineState(NamedTuple):
    """`timers` holds the steps for which each timer still blocks, in the order of `_Rules.timers`."""

    mode_id: str
    timers: tuple[int, ...] = ()
    left_mode_id: str = ""
    lag_s: float = 0.0


class _Move(NamedTuple):
    """`after` is the place of the state that it leads to among `_Rules.states`, `mode_id` its mode.

    `acts_as` is the mode that it acts as for the first `lag_s` of the step; `wear_eur` is a part of `eur`.
    """

    after: int
    mode_id: str
    eur: float
    wear_eur: float
    acts_as: str
    lag_s: float


# One move of each machine: the places of the states after it, the modes that they end in, EUR, what of that is wear,
# whether one is still on its way, the moves. Without names, since a graph is made of thousands.
_Joint = tuple[tuple[int, ...], Combination, float, float, bool, tuple[_Move, ...]]


@dataclass(frozen=True)
class ModeGraph:
    """State 0 is the present one. `walk` numbers all states, moves and combinations; see there.

    `timers` names, for each machine, the timers that its states tell of; `wear_eur` is the part of each move's cost
    that nobody pays.
    """

    states: tuple[tuple[MachineState, ...], ...]
    combinations: tuple[Combination, ...]
    timers: tuple[tuple[str, ...], ...]
    walk: Walk
    wear_eur: Floats


@lru_cache(maxsize=64)
def graph_of(machines: Machines, horizon: Horizon) -> ModeGraph | None:
    """The graph, kept for the next time that the same machines are planned for.

    Where there are too many states, timers and transitions that take longer than a step count as over at once; the
    reactive layer keeps to them all the same. None where even so there are too many.
    """
    for exact in (True, False):
        graph = _Builder(tuple(_Rules.of(machine, horizon, exact=exact) for machine in machines), horizon).build()
        if graph is not None:
            return graph
    return None


class _TimedWay(NamedTuple):
    """A way with the places of its timers among `_Rules.timers`."""

    way: Way
    starts: frozenset[int]
    blocked_by: tuple[int, ...]

    @classmethod
    def of(cls, way: Way, timers: tuple[str, ...]) -> _TimedWay:
        places = {timer: place for place, timer in enumerate(timers)}
        return cls(
            way,
            frozenset(places[timer] for timer in way.start_timers if timer in places),
            tuple(places[timer] for timer in way.blocking_timers if timer in places),
        )


@dataclass(frozen=True)
class _Rules:
    """What one machine may do.

    `first_steps` and `steps` say how long a timer blocks that starts at the first edge, or at a later one: the first
    step may be shorter than the others.
    """

    ways: dict[str, tuple[_TimedWay, ...]]
    timers: tuple[str, ...]
    first_steps: tuple[int, ...]
    steps: tuple[int, ...]
    begin: MachineState
    exact: bool
    states: list[MachineState] = field(default_factory=list)
    _places: dict[MachineState, int] = field(default_factory=dict)
    _known: dict[int, tuple[_Move, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, machine: Machine[Any], horizon: Horizon, *, exact: bool) -> _Rules:
        ways = ways_of(machine)
        blocking = {timer for way in chain.from_iterable(ways.values()) for timer in way.blocking_timers}
        timers = tuple(sorted(blocking)) if exact else ()
        first_s, now = float(horizon.durations_s[0]), float(horizon.edges[0])
        durations_s = [machine.timer_durations_s.get(timer, 0.0) for timer in timers]
        ends = [machine.timers_end[timer].timestamp() if timer in machine.timers_end else now for timer in timers]
        lag_s = machine.on_its_way_s(horizon.now)
        begin = MachineState(
            machine.active_mode_id or "",
            tuple(_steps_until(end - now, first_s, horizon.steps) for end in ends),
            (machine.previous_mode_id or "") if lag_s else "",
            lag_s,
        )
        return cls(
            {start: tuple(_TimedWay.of(way, timers) for way in each) for start, each in ways.items()},
            timers,
            tuple(_steps_until(duration_s, first_s, horizon.steps) for duration_s in durations_s),
            tuple(_steps_until(duration_s, STEP_S, horizon.steps) for duration_s in durations_s),
            begin,
            exact,
        )

    def first_moves(self, duration_s: float) -> tuple[_Move, ...]:
        return self._moves(self.begin, self.first_steps, duration_s)

    def moves(self, place: int) -> tuple[_Move, ...]:
        found = self._known.get(place)
        if found is None:
            found = self._known[place] = self._moves(self.states[place], self.steps, STEP_S)
        return found

    def place_of(self, state: MachineState) -> int:
        """Numbers are much faster to look up than states."""
        place = self._places.setdefault(state, len(self.states))
        if place == len(self.states):
            self.states.append(state)
        return place

    def _moves(self, state: MachineState, steps: tuple[int, ...], duration_s: float) -> tuple[_Move, ...]:
        rest = tuple(max(left - 1, 0) for left in state.timers)
        found = [self._move(state.mode_id, rest, state.left_mode_id, state.lag_s, duration_s)]
        if state.lag_s > 0:
            return tuple(found)
        for way, starts, blocked_by in self.ways.get(state.mode_id, ()):
            if any(state.timers[place] for place in blocked_by):
                continue
            timers = rest
            if starts:
                timers = tuple(max(steps[n] - 1, 0) if n in starts else left for n, left in enumerate(rest))
            found.append(self._move(way.to_mode_id, timers, state.mode_id, way.duration_s, duration_s, way))
        return tuple(found)

    def _move(
        self, mode_id: str, timers: tuple[int, ...], left: str, lag_s: float, duration_s: float, way: Way | None = None
    ) -> _Move:
        remains_s = max(lag_s - duration_s, 0.0) if self.exact else 0.0
        after = MachineState(mode_id, timers, left if remains_s else "", remains_s)
        eur, wear_eur = (way.eur, way.wear_eur) if way else (0.0, 0.0)
        acts_as = left if lag_s else mode_id
        return _Move(self.place_of(after), mode_id, eur, wear_eur, acts_as, min(lag_s, duration_s))


def _steps_until(seconds: float, first_s: float, most: int) -> int:
    """How many edges come before that time is over; the first step takes `first_s`, each other one STEP_S."""
    if seconds <= 0:
        return 0
    return min(1 + max(math.ceil((seconds - first_s) / STEP_S - 1e-9), 0), most)


@dataclass
class _Builder:
    """Walks from the present state to all that can be reached from it, breadth first."""

    rules: tuple[_Rules, ...]
    horizon: Horizon
    states: dict[tuple[int, ...], int] = field(default_factory=dict)
    combinations: dict[Combination, int] = field(default_factory=dict)
    begins: list[int] = field(default_factory=lambda: [0])
    to: list[int] = field(default_factory=list)
    eur: list[float] = field(default_factory=list)
    wear_eur: list[float] = field(default_factory=list)
    part_begins: list[int] = field(default_factory=lambda: [0])
    part_of: list[int] = field(default_factory=list)
    share: list[float] = field(default_factory=list)

    def build(self) -> ModeGraph | None:
        """None where there are too many states or moves."""
        order: list[tuple[int, ...]] = [tuple(rules.place_of(rules.begin) for rules in self.rules)]
        first_s = float(self.horizon.durations_s[0])
        for index, state in enumerate(order):  # It grows while it is walked.
            if index == 0:
                moves = [rules.first_moves(first_s) for rules in self.rules]
            else:
                moves = [rules.moves(part) for rules, part in zip(self.rules, state, strict=True)]
            if len(self.to) + math.prod(map(len, moves)) > MOST_MOVES or len(order) > MOST_STATES:
                return None
            self._add(moves, first_s if index == 0 else STEP_S, order)
        timers = tuple(rules.timers for rules in self.rules)
        states = tuple(
            tuple(rules.states[place] for rules, place in zip(self.rules, each, strict=True)) for each in order
        )
        return ModeGraph(states, tuple(self.combinations), timers, self._walk(), _floats(self.wear_eur))

    def _add(self, moves: Sequence[tuple[_Move, ...]], duration_s: float, order: list[tuple[int, ...]]) -> None:
        """All moves out of one state."""
        states, combinations, part_of, share = self.states, self.combinations, self.part_of, self.share
        for after, modes, eur, wear_eur, lags, chosen in _together(moves):
            place = states.setdefault(after, len(order))
            if place == len(order):
                order.append(after)
            self.to.append(place)
            self.eur.append(eur)
            self.wear_eur.append(wear_eur)
            for combination, lasts in _parts(chosen, duration_s) if lags else ((modes, 1.0),):
                part_of.append(combinations.setdefault(combination, len(combinations)))
                share.append(lasts)
            self.part_begins.append(len(part_of))
        self.begins.append(len(self.to))

    def _walk(self) -> Walk:
        return Walk(
            begins=_ints(self.begins),
            to=_ints(self.to),
            eur=_floats(self.eur),
            part_begins=_ints(self.part_begins),
            part_of=_ints(self.part_of),
            share=_floats(self.share),
        )


def _together(moves: Sequence[tuple[_Move, ...]]) -> list[_Joint]:
    """One move of each machine, in all ways; put together machine by machine, since a graph has many of them."""
    joints: list[_Joint] = [((), (), 0.0, 0.0, False, ())]
    for each in moves:
        joints = [
            (
                (*after, move.after),
                (*modes, move.mode_id),
                eur + move.eur,
                wear_eur + move.wear_eur,
                lags or move.lag_s > 0.0,
                (*chosen, move),
            )
            for after, modes, eur, wear_eur, lags, chosen in joints
            for move in each
        ]
    return joints


def _parts(moves: tuple[_Move, ...], duration_s: float) -> list[tuple[Combination, float]]:
    """What the machines act as during a step in which some lag, each combination with its share of it."""
    cuts = sorted({0.0, duration_s, *(move.lag_s for move in moves)})
    return [
        (
            tuple(move.acts_as if start < move.lag_s else move.mode_id for move in moves),
            (end - start) / duration_s,
        )
        for start, end in pairwise(cuts)
    ]


def _ints(values: list[int]) -> Ints:
    return np.array(values, dtype=np.int64)


def _floats(values: list[float]) -> Floats:
    return np.array(values, dtype=np.float64)
