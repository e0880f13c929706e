"""A photovoltaic plant with an inverter that can hold its output below what the sun offers."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from flexhub.demo.physics.cell import Cell
from flexhub.demo.physics.weather import Plane, Weather, clear_sky

PERFORMANCE = 0.87
# What the maker's forecast assumes of the clouds: it knows the sun, not the day.
FORECAST_CLEARNESS = 0.92


@dataclass(slots=True)
class PV:
    """Production is negative power. An order is the lowest power allowed: -inf = no limit."""

    peak_w: float
    plane: Plane
    lower_limit_w: float = -inf
    controlled: bool = False

    def available_w(self, weather: Weather, at_s: float) -> float:
        """What the sun offers now; positive."""
        return min(self.peak_w, self.peak_w * PERFORMANCE * weather.irradiance(self.plane, at_s) / 1000)

    def forecast_w(self, at_s: float) -> float:
        """What the forecast says the sun will offer; positive."""
        return min(self.peak_w, self.peak_w * PERFORMANCE * clear_sky(self.plane, at_s, FORECAST_CLEARNESS) / 1000)

    def begin(self, cell: Cell) -> None:
        """Nothing here waits for a time."""

    def power_w(self, cell: Cell, dt_s: float) -> float:  # noqa: ARG002 - Every device has this signature.
        limit = self.lower_limit_w if self.controlled else -inf
        return min(0.0, max(-cell.pv_available_w, limit))

    def step(self, cell: Cell, dt_s: float) -> float:
        return self.power_w(cell, dt_s)

    def minimum_w(self, cell: Cell, dt_s: float) -> float:
        """Letting go of a limit is the one way in which this device can lower the home's power."""
        return -cell.pv_available_w if self.controlled else self.power_w(cell, dt_s)
