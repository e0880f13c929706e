"""The stretch of time that a plan covers, cut into quarter hours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Self

import numpy as np

from cem_service.domain.series import Array
from cem_service.planners.plan import STEP, STEPS
from flexhub.telemetry.quarters import quarter_start


@dataclass(frozen=True)
class Horizon:
    """`steps` quarter hours from the one that `now` lies in. The first is cut short: it begins now."""

    now: datetime
    steps: int = STEPS

    @classmethod
    def at(cls, now: datetime) -> Self:
        return cls(now)

    @cached_property
    def start(self) -> datetime:
        return quarter_start(self.now)

    @cached_property
    def edges(self) -> Array:
        """`steps + 1` moments in seconds since the epoch; the first is now."""
        edges = self.start.timestamp() + STEP.total_seconds() * np.arange(self.steps + 1, dtype=np.float64)
        # A second is kept even when the quarter hour is about to end, so that no step divides by zero.
        edges[0] = min(self.now.timestamp(), edges[1] - 1.0)
        return edges

    @cached_property
    def durations_s(self) -> Array:
        durations: Array = np.diff(self.edges)
        return durations

    @cached_property
    def starts(self) -> tuple[datetime, ...]:
        """Of all quarter hours; the first one has begun already."""
        return tuple(self.step_start(step) for step in range(self.steps))

    @property
    def end(self) -> datetime:
        return self.start + self.steps * STEP

    def step_start(self, step: int) -> datetime:
        return self.start + step * STEP
