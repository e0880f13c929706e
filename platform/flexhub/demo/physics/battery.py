"""A home battery behind its own inverter."""

from __future__ import annotations

from dataclasses import dataclass

from flexhub.demo.physics.cell import Cell
from flexhub.demo.physics.states import state


@dataclass(slots=True)
class Battery:
    """Left alone it idles, because it cannot know when to charge, unless a meter of its own tells it."""

    capacity_wh: float
    max_charge_w: float
    max_discharge_w: float
    efficiency: float = 0.95  # one way
    soc: float = state(0.5)
    setpoint_w: float = 0.0
    controlled: bool = False
    metered_w: float = 0.0  # what a meter of its own has it do while nobody controls it

    @property
    def stored_wh(self) -> float:
        """What the home can still get out of it, at the grid side."""
        return self.soc * self.capacity_wh * self.efficiency

    def begin(self, cell: Cell) -> None:
        """Nothing here waits for a time."""

    def power_w(self, cell: Cell, dt_s: float) -> float:  # noqa: ARG002 - Every device has this signature.
        return self._possible_w(self.setpoint_w if self.controlled else self.metered_w, dt_s)

    def step(self, cell: Cell, dt_s: float) -> float:
        power_w = self.power_w(cell, dt_s)
        inside_w = power_w * self.efficiency if power_w > 0 else power_w / self.efficiency
        self.soc = min(1.0, max(0.0, self.soc + inside_w * dt_s / 3600 / self.capacity_wh))
        return power_w

    def minimum_w(self, cell: Cell, dt_s: float) -> float:
        return self._possible_w(-self.max_discharge_w, dt_s) if self.controlled else self.power_w(cell, dt_s)

    def _possible_w(self, wanted_w: float, dt_s: float) -> float:
        if dt_s <= 0:
            return 0.0
        room_w = (1 - self.soc) * self.capacity_wh / self.efficiency * 3600 / dt_s
        content_w = self.soc * self.capacity_wh * self.efficiency * 3600 / dt_s
        return max(-min(self.max_discharge_w, content_w), min(wanted_w, self.max_charge_w, room_w))
