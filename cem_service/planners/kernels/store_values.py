"""Writes value functions that are kept as breakpoints and slopes as rows of costs at some levels."""

from __future__ import annotations

import numpy as np

from cem_service.planners.kernels import kernel
from cem_service.planners.kernels.store_convex_walk import Floats, Ints


def value_levels(at: Floats, pieces: Ints, room: tuple[float, float], spaces: int) -> Floats:
    """The ends of `room`, and where costs have breakpoints between them, moved to the nearest of evenly many spaces.

    `at` and `pieces` are those of one `ConvexPlans`.
    """
    return _levels(at, pieces, *room, spaces)


def value_rows(at: Floats, slopes: Floats, pieces: Ints, levels: Floats, beyond_eur: float) -> Floats:
    """EUR up to a constant for each edge, shape (edges, levels); `at`, `slopes` and `pieces` of one `ConvexPlans`.

    `levels` ascend. One from which no plan stays within the bounds costs what the nearest good one is away.
    """
    return _rows(at, slopes, pieces, levels, beyond_eur)


@kernel
def _levels(at: Floats, pieces: Ints, lowest: float, highest: float, spaces: int) -> Floats:
    found = np.zeros(spaces + 1, np.bool_)
    found[0] = found[spaces] = True
    for edge in range(pieces.size):
        for piece in range(pieces[edge] + 1):
            share = (at[edge, piece] - lowest) / (highest - lowest)
            if 0.0 < share < 1.0:
                found[round(share * spaces)] = True
    levels: Floats = lowest + (highest - lowest) / spaces * np.flatnonzero(found).astype(np.float64)
    return levels


@kernel
def _rows(at: Floats, slopes: Floats, pieces: Ints, levels: Floats, beyond_eur: float) -> Floats:
    rows = np.empty((pieces.size, levels.size))
    for edge in range(pieces.size):
        piece, last, eur = 0, pieces[edge], 0.0
        for n in range(levels.size):
            level = min(max(levels[n], at[edge, 0]), at[edge, last])
            while piece < last - 1 and at[edge, piece + 1] <= level:
                eur += slopes[edge, piece] * (at[edge, piece + 1] - at[edge, piece])
                piece += 1
            # A store without room has no piece.
            within = slopes[edge, piece] * (level - at[edge, piece]) if last > 0 else 0.0
            rows[edge, n] = eur + within + beyond_eur * abs(levels[n] - level)
    return rows


def warm_up() -> None:
    """One piece at one edge."""
    at, pieces = np.array([[0.0, 1.0]]), np.ones(1, np.int64)
    value_rows(at, np.ones((1, 1)), pieces, value_levels(at, pieces, (0.0, 1.0), 2), 1.0)
