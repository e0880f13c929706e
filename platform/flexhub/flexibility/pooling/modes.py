"""What the operation modes of a fill rate based resource allow at given levels: its bottom, rest and top points.

Only modes for normal conditions count, and only those that transitions lead to. While a timer blocks the way to a mode,
the device has the points of its active mode instead, for the share of the quarter hour that the timer still runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cem_service.domain.frbc import Actuator, Mode
from cem_service.domain.series import Array


@dataclass(frozen=True, slots=True)
class Points:
    """Power in W and fill rate in units per second of three ways to run, over quarter hours."""

    bottom_w: Array
    bottom_rate: Array
    rest_w: Array
    rest_rate: Array
    top_w: Array
    top_rate: Array

    def __add__(self, other: Points) -> Points:
        """Two actuators of one store, each at its own point of the same name."""
        return Points(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))


def points_of(actuators: Iterable[Actuator], level: Array, edges: Array) -> Points | None:
    """The store's points when its level is `level[k]` in the k-th quarter hour; None if a level suits no mode."""
    total: Points | None = None
    for actuator in actuators:
        own = _points(actuator, level, edges)
        if own is None:
            return None
        total = own if total is None else total + own
    return total


@dataclass(frozen=True, slots=True)
class _Ends:
    """Each usable mode at factor 0 and at factor 1: arrays over (mode end, quarter hour), NaN where it cannot be used.

    `ready_s` is the moment from which each may be used.
    """

    power_w: Array
    rate: Array
    ready_s: Array


def _points(actuator: Actuator, level: Array, edges: Array) -> Points | None:
    ready = _ready_times(actuator, float(edges[0]))
    modes = [mode for mode in actuator.usable_modes if mode.mode_id in ready]
    if not modes:
        return None
    ends = _ends(modes, [ready[mode.mode_id] for mode in modes], level)
    if np.isnan(ends.power_w).all(axis=0).any():
        return None
    active = actuator.active_mode
    locked = _ends([active], [float(edges[0])], level) if active and max(ready.values()) > edges[0] else None
    return Points(
        *_choose(ends, locked, edges, lambda power_w: power_w),
        *_choose(ends, locked, edges, np.abs),
        *_choose(ends, locked, edges, np.negative),
    )


def _ready_times(actuator: Actuator, now_s: float) -> dict[str, float]:
    """When each mode can be reached from the active one at the earliest, over as many hops as it takes."""
    if actuator.active_mode_id is None:
        return {mode.mode_id: now_s for mode in actuator.usable_modes}
    ready = {actuator.active_mode_id: now_s}
    changed = True
    while changed:
        changed = False
        for (start, end), transition in actuator.transitions.items():
            if start not in ready or transition.abnormal_condition_only:
                continue
            timers = [
                actuator.timers_end[timer] for timer in transition.blocking_timers if timer in actuator.timers_end
            ]
            earliest = max([ready[start], *(moment.timestamp() for moment in timers)])
            if earliest < ready.get(end, np.inf):
                ready[end] = earliest
                changed = True
    return ready


def _ends(modes: list[Mode], ready_s: list[float], level: Array) -> _Ends:
    power_w = np.full((2 * len(modes), level.size), np.nan)
    rate = np.full_like(power_w, np.nan)
    for index, mode in enumerate(modes):
        row = slice(2 * index, 2 * index + 2)
        for element in mode.elements:
            slack = 1e-9 * max(abs(element.level_from), abs(element.level_to), 1.0)
            # A level on the boundary of two bands belongs to the upper one, which comes later.
            inside = (level >= element.level_from - slack) & (level <= element.level_to + slack)
            power_w[row, inside] = np.array([[element.power_at_0_w], [element.power_at_1_w]])
            rate[row, inside] = np.array([[element.rate_at_0], [element.rate_at_1]])
    return _Ends(power_w, rate, np.repeat(ready_s, 2))


def _choose(ends: _Ends, locked: _Ends | None, edges: Array, worth: Callable[[Array], Array]) -> tuple[Array, Array]:
    """(power, rate) of the end with the least worth, mixed with the active mode's while the way there is blocked."""
    power_w, rate, index = _least(ends, worth)
    if locked is None:
        return power_w, rate
    active_w, active_rate, _ = _least(locked, worth)
    durations = np.diff(edges)
    free = np.clip((edges[1:] - ends.ready_s[index]) / durations, 0.0, 1.0)
    # An active mode that does not suit the level says nothing about what the device does meanwhile.
    free = np.where(np.isnan(active_w), 1.0, free)
    return (
        free * power_w + (1.0 - free) * np.nan_to_num(active_w),
        free * rate + (1.0 - free) * np.nan_to_num(active_rate),
    )


def _least(ends: _Ends, worth: Callable[[Array], Array]) -> tuple[Array, Array, NDArray[np.intp]]:
    """Of ends with the same power the one that moves the level least comes first, then the one that is ready first."""
    shape = ends.power_w.shape
    ready_s = np.broadcast_to(ends.ready_s[:, None], shape)
    unusable = np.isnan(ends.power_w)
    ranked = np.where(unusable, np.inf, worth(ends.power_w)), np.where(unusable, np.inf, np.abs(ends.rate))
    index = np.lexsort((ready_s, ranked[1], ranked[0]), axis=0)[0]
    columns = np.arange(index.size)
    return ends.power_w[index, columns], ends.rate[index, columns], index
