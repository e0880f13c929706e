"""A plan made a little earlier, laid over the quarter hours that are asked for now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Self

import numpy as np

from cem_service.domain.series import Array
from cem_service.planners.horizon import Horizon
from cem_service.planners.plan import STEP, SitePlan

# Sites are planned anew every quarter hour; an older plan means that nobody is at work for the site.
VALID_FOR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Alignment:
    """`skipped` quarter hours of the plan are over; as many are missing at its end."""

    skipped: int
    steps: int

    @classmethod
    def of(cls, plan: SitePlan, horizon: Horizon) -> Self | None:
        """None for a plan that is too old, or that is not of this time at all."""
        skipped = round((horizon.start - plan.start) / STEP)
        if skipped < 0 or skipped * STEP > VALID_FOR or plan.base_w.size < horizon.steps:
            return None
        return cls(skipped, horizon.steps)

    def base(self, power_w: Array) -> Array:
        """What the plan lacks at its end is taken from the same quarter hours of the day before."""
        known = power_w[self.skipped : self.skipped + self.steps]
        return np.concatenate((known, power_w[: self.steps - known.size]))

    def device(self, power_w: Array) -> Array:
        """A device rests where the plan says nothing yet."""
        known = power_w[self.skipped : self.skipped + self.steps]
        return np.concatenate((known, np.zeros(self.steps - known.size)))

    def level(self, present: float, levels: Array) -> Array:
        """Levels at the edges, from the present one on; at the end the last known one stays."""
        known = levels[self.skipped : self.skipped + self.steps]
        last = known[-1] if known.size else present
        return np.concatenate(([present], known, np.full(self.steps - known.size, last)))
