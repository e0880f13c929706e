"""An electric heater in a room. Left to itself it keeps the room at twenty degrees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from math import exp
from typing import Any

from rm_adapters.vendors.simulator.physics.weather import minute_of, minutes, outside_c

POWERS_W = {"off": 0.0, "on": 1_000.0, "boost": 2_000.0}

_BAND_C = (19.8, 20.2)


def warmed(inside_c: float, heat_w: float, outside: float, hours: float, w_per_k: float, wh_per_k: float) -> float:
    """The temperature after a time with constant heat, exactly: it approaches the one at which losses equal it."""
    final_c = outside + heat_w / w_per_k
    return final_c + (inside_c - final_c) * exp(-hours * w_per_k / wh_per_k)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heater:
    """`setting` is auto, off, on or boost; `mode` is what it does."""

    at: datetime
    room_c: float = 20.0
    setting: str = "auto"
    mode: str = "off"
    since: datetime | None = None
    w_per_k: float = 40.0
    wh_per_k: float = 800.0
    drawn_wh: float = 0.0
    lost_wh: float = 0.0

    def advance(self, until: datetime) -> Heater:
        heater = self
        for start, end in minutes(self.at, until):
            heater = heater._heat(start, end)
            if end == minute_of(end):
                heater = heater.decide(end)
        return heater

    def told(self, setting: Mapping[str, Any], now: datetime) -> Heater:
        return replace(self.advance(now), setting=str(setting["mode"])).decide(now)

    def readings(self) -> dict[str, Any]:
        return {
            "setting": self.setting,
            "mode": self.mode,
            "since": self.since.isoformat() if self.since else None,
            "room": self.room_c,
            "power": POWERS_W[self.mode],
        }

    def _heat(self, start: datetime, end: datetime) -> Heater:
        hours = (end - start).total_seconds() / 3600.0
        outside = outside_c(minute_of(start))
        drawn_wh = POWERS_W[self.mode] * hours
        room_c = warmed(self.room_c, POWERS_W[self.mode], outside, hours, self.w_per_k, self.wh_per_k)
        lost_wh = drawn_wh - (room_c - self.room_c) * self.wh_per_k
        return replace(self, at=end, room_c=room_c, drawn_wh=self.drawn_wh + drawn_wh, lost_wh=self.lost_wh + lost_wh)

    def decide(self, now: datetime) -> Heater:
        mode = self.setting
        if mode == "auto":
            low, high = _BAND_C
            mode = "on" if self.room_c < low else "off" if self.room_c > high else self._thermostat()
        return self if mode == self.mode else replace(self, mode=mode, since=now)

    def _thermostat(self) -> str:
        """Within the band it goes on with what it does."""
        return "off" if self.mode == "off" else "on"
