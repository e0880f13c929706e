"""A heat pump that loads a water buffer, from which the house is heated and hot water is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from flexhub.demo.physics.cell import Cell
from flexhub.demo.physics.chance import dice
from flexhub.demo.physics.states import state

WATER_WH_PER_LITRE_K = 1.163
ROOM_C = 18.0
HEATING_LIMIT_C = 17.0
DRAW_W = 9000.0
# Mean of the demo's day; what the maker's forecast assumes for the coefficient of performance.
MEAN_OUTDOOR_C = 9.0
COLDEST_OUTDOOR_C = 4.0
# The household's comfort band; what is offered to an energy manager lies inside by a margin.
COMFORT_LOW_C, COMFORT_HIGH_C = 42.0, 56.0
OFFERED_HIGH_C = 55.0
THERMOSTAT_ON_C, THERMOSTAT_OFF_C = 44.0, 52.0
# Where the guard begins to heat at the latest, by how much higher it lets a stop be ordered, how much lower is offered.
GUARD_ON_C, GUARD_SPAN_K, GUARD_MARGIN_K = 43.3, 1.2, 0.3
MINIMUM_RUN_S = MINIMUM_PAUSE_S = 600.0
# Two showers may follow each other.
LONGEST_DRAW_S = 720.0
LONG_AGO_S = 0.0


@dataclass(slots=True)
class HeatPump:
    """Left alone a thermostat with hysteresis runs it; minimum times between switches protect its compressor."""

    electric_w: float
    litres: float
    heat_loss_w_per_k: float  # of the house
    lowest_share: float = 1.0  # 1 = on or off; below = the compressor modulates
    leakage_w_per_k: float = 2.5
    temperature_c: float = state(48.0)
    running: bool = state(False)
    share: float = state(1.0)
    started_s: float = state(LONG_AGO_S)
    stopped_s: float = state(LONG_AGO_S)
    switches: int = state(0)
    discomfort_s: float = state(0.0)
    controlled: bool = False

    @property
    def wh_per_k(self) -> float:
        return self.litres * WATER_WH_PER_LITRE_K

    @property
    def stored_wh(self) -> float:
        """The electricity it takes to make the heat above the lower edge of the comfort band."""
        return (self.temperature_c - COMFORT_LOW_C) * self.wh_per_k / cop(self.temperature_c, MEAN_OUTDOOR_C)

    @property
    def guard_on_c(self) -> float:
        """Down from here it heats with all it has, which keeps the band while a tap is open as long as one ever is."""
        return max(GUARD_ON_C, COMFORT_LOW_C + self._fall_k(0.0, LONGEST_DRAW_S))

    @property
    def lowest_stop_c(self) -> float:
        """Down from here it does not stop: the same tap could be opened just after, and the compressor has to rest."""
        fall_k = self._fall_k(MINIMUM_PAUSE_S, LONGEST_DRAW_S - MINIMUM_PAUSE_S)
        return max(self.guard_on_c + GUARD_SPAN_K, COMFORT_LOW_C + fall_k)

    @property
    def offered_low_c(self) -> float:
        return self.guard_on_c - GUARD_MARGIN_K

    def _fall_k(self, resting_s: float, heating_s: float) -> float:
        """By how much an open tap cools the buffer in the coldest hour, if the compressor rests and then heats."""
        leaking_w = self.leakage_w_per_k * (GUARD_ON_C - ROOM_C)
        drawn_w = DRAW_W + heating_w(self.heat_loss_w_per_k, COLDEST_OUTDOOR_C) + leaking_w
        heat_w = self.electric_w * cop(GUARD_ON_C, COLDEST_OUTDOOR_C)
        return (drawn_w * (resting_s + heating_s) - heat_w * heating_s) / 3600 / self.wh_per_k

    def switch(self, on: bool, share: float, at_s: float) -> None:
        """Run or stop. The caller has asked `locked()` first, unless comfort or safety leaves no choice."""
        self.share = max(self.lowest_share, min(1.0, share)) if on else self.share
        if on == self.running:
            return
        self.running = on
        self.switches += 1
        if on:
            self.started_s = at_s
        else:
            self.stopped_s = at_s

    def locked(self, at_s: float) -> bool:
        """A switch now would wear out the compressor."""
        if self.running:
            return at_s < self.started_s + MINIMUM_RUN_S
        return at_s < self.stopped_s + MINIMUM_PAUSE_S

    def begin(self, cell: Cell) -> None:
        if self.controlled:
            self._guard(cell)
        else:
            self._follow_thermostat(cell)

    def _follow_thermostat(self, cell: Cell) -> None:
        """It knows no part of the power: what was ordered before ends with who ordered it."""
        self.share = 1.0
        if self.locked(cell.start_s):
            return
        if self.temperature_c <= THERMOSTAT_ON_C:
            self.switch(True, 1.0, cell.start_s)
        elif self.temperature_c >= THERMOSTAT_OFF_C:
            self.switch(False, 1.0, cell.start_s)

    def _guard(self, cell: Cell) -> None:
        """Keep the buffer inside its band, whatever was ordered; too hot outranks the compressor's wear."""
        if self.temperature_c >= OFFERED_HIGH_C:
            self.switch(False, 1.0, cell.start_s)
        elif self.temperature_c <= self.guard_on_c and (self.running or not self.locked(cell.start_s)):
            self.switch(True, 1.0, cell.start_s)

    def power_w(self, cell: Cell, dt_s: float) -> float:  # noqa: ARG002 - Every device has this signature.
        return self.electric_w * self.share if self.running else 0.0

    def step(self, cell: Cell, dt_s: float) -> float:
        power_w = self.power_w(cell, dt_s)
        heat_w = power_w * cop(self.temperature_c, cell.outdoor_c)
        lost_w = self.leakage_w_per_k * (self.temperature_c - ROOM_C)
        self.temperature_c += (heat_w - lost_w - cell.heat_demand_w) * dt_s / 3600 / self.wh_per_k
        if not COMFORT_LOW_C <= self.temperature_c <= COMFORT_HIGH_C:
            self.discomfort_s += dt_s
        return power_w

    def minimum_w(self, cell: Cell, dt_s: float) -> float:
        if not self.controlled or not self.running or self.temperature_c <= self.guard_on_c:
            return self.power_w(cell, dt_s)
        held = self.locked(cell.start_s) or self.temperature_c <= self.lowest_stop_c
        return self.electric_w * self.lowest_share if held else 0.0


def cop(buffer_c: float, outdoor: float) -> float:
    """Heat per electricity: 43 % of what thermodynamics would allow."""
    return 0.43 * (buffer_c + 275) / (buffer_c + 2 - outdoor + 8)


def heating_w(heat_loss_w_per_k: float, outdoor: float) -> float:
    """What the rooms take from the buffer."""
    return max(0.0, heat_loss_w_per_k * (HEATING_LIMIT_C - outdoor))


def hot_water_w(seed: int, day: date, minute_of_day: float) -> float:
    """What is drawn from the tap at this minute of a local day."""
    return DRAW_W if any(start <= minute_of_day < end for start, end in draws(seed, day)) else 0.0


@lru_cache(maxsize=64)
def draws(seed: int, day: date) -> tuple[tuple[float, float], ...]:
    """Showers and sinks of one local day, as minutes from and to."""
    throw = dice(seed, "hot water", day.isoformat())
    times = []
    for around, minutes in ((405, 6), (440, 6), (760, 2), (1110, 3), (1290, 6)):
        start = around + throw.uniform(-25, 25)
        times.append((start, start + minutes))
    return tuple(times)


def expected_hot_water_w(hour: int) -> float:
    """What the maker's forecast assumes for an hour of the local day."""
    return {6: 900.0, 7: 900.0, 12: 300.0, 18: 450.0, 21: 900.0}.get(hour, 0.0)
