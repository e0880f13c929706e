"""An electric car and its charger: away during part of each day, and wanted full enough when it leaves."""

from __future__ import annotations

from dataclasses import dataclass

from flexhub.demo.physics.cell import Cell
from flexhub.demo.physics.states import state

DAY_MIN = 24 * 60.0
# Ready this long before the driver comes, so that a late order still arrives in time.
READY_BEFORE_MIN = 15.0
# The charger takes over when this much of the remaining time is needed.
GUARD_FACTOR = 1.08
MISSED_SHARE = 0.01


@dataclass(slots=True)
class EV:
    """Left alone it charges at full power from plug-in until the owner's target is reached."""

    capacity_wh: float
    max_w: float
    min_w: float  # 6 A, below which a charger may only pause
    departure_min: float  # of the local day
    away_min: float
    trip_wh: float
    target_soc: float = 0.8
    efficiency: float = 0.92
    soc: float = state(0.5)
    plugged: bool = state(True)
    missed_wh: float = state(0.0)
    departures: int = state(0)
    missed_departures: int = state(0)
    setpoint_w: float = 0.0
    controlled: bool = False

    @property
    def stored_wh(self) -> float:
        """The electricity it took to put the content in."""
        return self.soc * self.capacity_wh / self.efficiency

    def minutes_to_departure(self, minute_of_day: float) -> float:
        return (self.departure_min - minute_of_day) % DAY_MIN

    def missing_wh(self) -> float:
        """Electricity still needed for the target."""
        return max(0.0, self.target_soc - self.soc) * self.capacity_wh / self.efficiency

    def must_charge(self, cell: Cell) -> bool:
        """Only full power from now on still makes the target."""
        hours_left = max(0.0, self.minutes_to_departure(cell.minute_of_day) - READY_BEFORE_MIN) / 60
        return self.plugged and self.missing_wh() > 1 and self.missing_wh() * GUARD_FACTOR >= self.max_w * hours_left

    def begin(self, cell: Cell) -> None:
        here = (cell.minute_of_day - self.departure_min) % DAY_MIN >= self.away_min
        if self.plugged and not here:
            self._leave()
        elif here and not self.plugged:
            self.soc = max(0.05, self.soc - self.trip_wh / self.capacity_wh)
            self.setpoint_w = 0.0
        self.plugged = here

    def _leave(self) -> None:
        self.departures += 1
        missing = max(0.0, self.target_soc - self.soc)
        if missing > MISSED_SHARE:
            self.missed_departures += 1
            self.missed_wh += missing * self.capacity_wh

    def power_w(self, cell: Cell, dt_s: float) -> float:
        if not self.plugged or dt_s <= 0:
            return 0.0
        top = 1.0 if self.controlled else self.target_soc
        room_w = max(0.0, top - self.soc) * self.capacity_wh / self.efficiency * 3600 / dt_s
        wanted_w = self.max_w if not self.controlled or self.must_charge(cell) else self.setpoint_w
        return min(wanted_w, self.max_w, room_w) if wanted_w >= self.min_w else 0.0

    def step(self, cell: Cell, dt_s: float) -> float:
        power_w = self.power_w(cell, dt_s)
        self.soc = min(1.0, self.soc + power_w * self.efficiency * dt_s / 3600 / self.capacity_wh)
        return power_w

    def minimum_w(self, cell: Cell, dt_s: float) -> float:
        return 0.0 if self.controlled and not self.must_charge(cell) else self.power_w(cell, dt_s)
