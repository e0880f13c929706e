"""A heat pump and a gas boiler that heat one house. Left to itself the heat pump comes first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from rm_adapters.vendors.simulator.physics.heater import warmed
from rm_adapters.vendors.simulator.physics.weather import minute_of, minutes, outside_c

PUMP_W = (2_000.0, 8_000.0)
BOILER_W = (3_000.0, 20_000.0)
COP = 3.5
BOILER_EFFICIENCY = 0.95

_WANTED_C = 20.5
_CATCHING_UP_W_PER_K = 1_500.0
_MOST_DEMAND_W = 20_000.0

#: What is missing less than this is left for the next minutes.
_WORTH_A_START_W = 1_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One of the two. `setting` is auto, off or on; `heat_w` what it supplies, and 0 when it is off."""

    setting: str = "auto"
    factor: float = 0.0
    heat_w: float = 0.0
    since: datetime | None = None

    def supplying(self, heat_w: float, now: datetime) -> Unit:
        changed = (heat_w > 0.0) != (self.heat_w > 0.0)
        return replace(self, heat_w=heat_w, since=now if changed else self.since)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hybrid:
    at: datetime
    house_c: float = 20.0
    pump: Unit = Unit()
    boiler: Unit = Unit()
    w_per_k: float = 250.0
    wh_per_k: float = 6_000.0
    electric_wh: float = 0.0
    gas_wh: float = 0.0
    heat_wh: float = 0.0
    lost_wh: float = 0.0

    @property
    def demand_w(self) -> float:
        """The heat that keeps the house as it should be, and brings it back there."""
        outside = outside_c(minute_of(self.at))
        demand_w = self.w_per_k * (_WANTED_C - outside) + _CATCHING_UP_W_PER_K * (_WANTED_C - self.house_c)
        return min(max(demand_w, 0.0), _MOST_DEMAND_W)

    def advance(self, until: datetime) -> Hybrid:
        house = self
        for start, end in minutes(self.at, until):
            house = house._heat(start, end)
            if end == minute_of(end):
                house = house.decide(end)
        return house

    def told(self, setting: Mapping[str, Any], now: datetime) -> Hybrid:
        after = self.advance(now)
        unit = after.pump if setting["unit"] == "pump" else after.boiler
        unit = replace(unit, setting=str(setting["mode"]), factor=float(setting.get("factor", 0.0)))
        after = replace(after, pump=unit) if setting["unit"] == "pump" else replace(after, boiler=unit)
        return after.decide(now)

    def readings(self) -> dict[str, Any]:
        return {
            "house": self.house_c,
            "demand": self.demand_w,
            "electric": self.pump.heat_w / COP,
            "gas": self.boiler.heat_w / BOILER_EFFICIENCY,
            "units": {name: _told_of(unit) for name, unit in (("pump", self.pump), ("boiler", self.boiler))},
        }

    def _heat(self, start: datetime, end: datetime) -> Hybrid:
        hours = (end - start).total_seconds() / 3600.0
        heat_w = self.pump.heat_w + self.boiler.heat_w
        house_c = warmed(self.house_c, heat_w, outside_c(minute_of(start)), hours, self.w_per_k, self.wh_per_k)
        lost_wh = heat_w * hours - (house_c - self.house_c) * self.wh_per_k
        return replace(
            self,
            at=end,
            house_c=house_c,
            electric_wh=self.electric_wh + self.pump.heat_w / COP * hours,
            gas_wh=self.gas_wh + self.boiler.heat_w / BOILER_EFFICIENCY * hours,
            heat_wh=self.heat_wh + heat_w * hours,
            lost_wh=self.lost_wh + lost_wh,
        )

    def decide(self, now: datetime) -> Hybrid:
        demand_w = self.demand_w
        boiler_w = _forced(self.boiler, BOILER_W)
        pump_w = _forced(self.pump, PUMP_W)
        if pump_w is None:
            pump_w = _chosen(demand_w - (boiler_w or 0.0), PUMP_W, PUMP_W[0])
        if boiler_w is None:
            boiler_w = _chosen(demand_w - pump_w, BOILER_W, _WORTH_A_START_W)
        return replace(self, pump=self.pump.supplying(pump_w, now), boiler=self.boiler.supplying(boiler_w, now))


def _forced(unit: Unit, span_w: tuple[float, float]) -> float | None:
    """What the unit has been told to supply; None where it decides by itself."""
    if unit.setting == "auto":
        return None
    return 0.0 if unit.setting == "off" else span_w[0] + unit.factor * (span_w[1] - span_w[0])


def _chosen(missing_w: float, span_w: tuple[float, float], worth_w: float) -> float:
    return 0.0 if missing_w < worth_w else min(max(missing_w, span_w[0]), span_w[1])


def _told_of(unit: Unit) -> dict[str, Any]:
    return {
        "setting": unit.setting,
        "factor": unit.factor,
        "heat": unit.heat_w,
        "since": unit.since.isoformat() if unit.since else None,
    }
