"""One cell of the time grid: everything that comes from outside and that no energy manager can change.

The home under control and its shadows get the very same object; that makes their comparison fair.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

# A load step or an arrival happens on this grid; an order may arrive anywhere between.
CELL_S = 5.0


@dataclass(frozen=True, slots=True)
class Cell:
    """Holds from `start_s` until the next multiple of CELL_S."""

    start_s: float
    hour: int
    minute_of_day: float
    outdoor_c: float
    load_w: float
    pv_available_w: float
    heat_demand_w: float

    def rest_from(self, at_s: float) -> Cell:
        """What is left of the cell, for an order that arrived in its midst."""
        if at_s <= self.start_s:
            return self
        return replace(self, start_s=at_s, minute_of_day=self.minute_of_day + (at_s - self.start_s) / 60)


def cell_start(at_s: float) -> float:
    return at_s // CELL_S * CELL_S
