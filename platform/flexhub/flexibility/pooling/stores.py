"""Stores as arrays over (device, quarter hour): what their plan leaves them to deviate by, in either direction.

The power of a store in a quarter hour is a mean, since it may switch within it. All means that time-sharing reaches lie
on two segments: from the `bottom` point (least power) over the `rest` point (power nearest to zero) to the `top` point
(most power). Along each the fill rate is linear in the power, so two slopes say what a deviation does to the level;
they differ by the losses of charging and discharging. The sign of a slope is free: a freezer takes power to cool.

The *viability tube* holds, for each edge between quarter hours, the levels from which the range of the store and its
target profile can still be kept: backwards from the end, the highest viable level is the one that the fastest emptying
brings down to the next edge's highest, and likewise for the lowest. A deviation is offered only as far as the level at
the end of its quarter hour stays inside, which is exactly what makes a recovery possible. Where the plan itself is
outside, because a target cannot be reached any more, nothing is offered that would make it worse.

Power in W, fill rates and drains in level units per second, times in seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Self

import numpy as np

from cem_service.domain.series import Array

# Legal numbers may be next to nothing, and quotients of them beyond any number.
_STANDS_STILL = 1e-18  # level units per W
_NARROWEST_W = 1e-3


@dataclass(frozen=True, slots=True)
class StoreRow:
    """One store. Arrays over T quarter hours; `level`, `lower` and `upper` over their T + 1 edges."""

    planned_w: Array
    level: Array
    bottom_w: Array
    bottom_rate: Array
    rest_w: Array
    rest_rate: Array
    top_w: Array
    top_rate: Array
    drain: Array
    lower: Array
    upper: Array


@dataclass(frozen=True, slots=True)
class Stores:
    """Many stores; the fields of StoreRow with one more axis, the device, in front."""

    planned_w: Array
    level: Array
    bottom_w: Array
    bottom_rate: Array
    rest_w: Array
    rest_rate: Array
    top_w: Array
    top_rate: Array
    drain: Array
    lower: Array
    upper: Array

    @classmethod
    def of(cls, rows: Sequence[StoreRow]) -> Self:
        """At least one row."""
        return cls(**{field.name: np.stack([getattr(row, field.name) for row in rows]) for field in fields(StoreRow)})

    @property
    def rate_above_rest(self) -> Array:
        """Fill rate per W between rest and top."""
        return _slope(self.top_rate - self.rest_rate, self.top_w - self.rest_w)

    @property
    def rate_below_rest(self) -> Array:
        """Fill rate per W between bottom and rest."""
        return _slope(self.rest_rate - self.bottom_rate, self.rest_w - self.bottom_w)


def tube(stores: Stores, durations_s: Array) -> tuple[Array, Array]:
    """(lowest, highest) viable level at each edge, shape (devices, T + 1)."""
    rates = np.stack((stores.bottom_rate, stores.rest_rate, stores.top_rate))
    most = (rates.max(axis=0) - stores.drain) * durations_s
    least = (rates.min(axis=0) - stores.drain) * durations_s
    lowest, highest = stores.lower.copy(), stores.upper.copy()
    for step in range(durations_s.size - 1, -1, -1):
        np.maximum(lowest[:, step], lowest[:, step + 1] - most[:, step], out=lowest[:, step])
        np.minimum(highest[:, step], highest[:, step + 1] - least[:, step], out=highest[:, step])
    return lowest, highest


def room(stores: Stores, durations_s: Array) -> tuple[Array, Array]:
    """(up, down) in W: how far each store's power can leave its plan in each quarter hour alone; both at least 0."""
    lowest, highest = tube(stores, durations_s)
    above = np.maximum(highest[:, 1:] - stores.level[:, 1:], 0.0)
    below = np.maximum(stores.level[:, 1:] - lowest[:, 1:], 0.0)
    upper_slope, lower_slope = stores.rate_above_rest * durations_s, stores.rate_below_rest * durations_s
    planned_w, rest_w = stores.planned_w, stores.rest_w
    up = _along(
        (np.minimum(rest_w, stores.top_w) - planned_w, lower_slope),
        (stores.top_w - np.maximum(planned_w, rest_w), upper_slope),
        above,
        below,
    )
    down = _along(
        (planned_w - np.maximum(rest_w, stores.bottom_w), -upper_slope),
        (np.minimum(planned_w, rest_w) - stores.bottom_w, -lower_slope),
        above,
        below,
    )
    return up, down


def _along(first: tuple[Array, Array], second: tuple[Array, Array], above: Array, below: Array) -> Array:
    """How far a deviation gets along two segments of (width in W, level gained per W) before it has used up the room.

    The second segment counts only where the first was gone through to its end.
    """
    width, gain = np.maximum(first[0], 0.0), first[1]
    moved = np.minimum(width, _reach(gain, above, below))
    shift = gain * moved
    further = np.minimum(np.maximum(second[0], 0.0), _reach(second[1], above - shift, below + shift))
    total: Array = moved + np.where(moved < width, 0.0, np.maximum(further, 0.0))
    return total


def _reach(gain: Array, above: Array, below: Array) -> Array:
    """The deviation in W that uses up the room in its direction; endless where the level does not move."""
    space = np.where(gain > 0, above, below)
    moves = np.abs(gain) > _STANDS_STILL
    reach: Array = np.where(moves, space / np.where(moves, np.abs(gain), 1.0), np.inf)
    return reach


def _slope(rise: Array, run: Array) -> Array:
    wide = run > _NARROWEST_W
    slope: Array = np.where(wide, rise / np.where(wide, run, 1.0), 0.0)
    return slope
