"""Solar panels with an inverter that can be limited. What is limited away is lost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from math import inf
from typing import Any

from rm_adapters.vendors.simulator.physics.weather import minute_of, minutes, sun


@dataclass(frozen=True, slots=True, kw_only=True)
class Roof:
    """`limit_w` is the most that it may produce; None where nothing limits it."""

    at: datetime
    peak_w: float = 6_000.0
    limit_w: float | None = None
    produced_wh: float = 0.0
    lost_wh: float = 0.0

    def advance(self, until: datetime) -> Roof:
        produced_wh, lost_wh = self.produced_wh, self.lost_wh
        for start, end in minutes(self.at, until):
            hours = (end - start).total_seconds() / 3600.0
            power_w = self._power_w(start)
            produced_wh += power_w * hours
            lost_wh += (self.peak_w * sun(minute_of(start)) - power_w) * hours
        return replace(self, at=max(self.at, until), produced_wh=produced_wh, lost_wh=lost_wh)

    def told(self, setting: Mapping[str, Any], now: datetime) -> Roof:
        limit_w = setting["limit_w"]
        return replace(self.advance(now), limit_w=None if limit_w is None else float(limit_w))

    def readings(self) -> dict[str, Any]:
        """The production is a positive number of kW, as many clouds have it."""
        return {"production_kw": self._power_w(self.at) / 1000.0, "limit_w": self.limit_w}

    def _power_w(self, moment: datetime) -> float:
        limit_w = inf if self.limit_w is None else self.limit_w
        return min(self.peak_w * sun(minute_of(moment)), limit_w)
