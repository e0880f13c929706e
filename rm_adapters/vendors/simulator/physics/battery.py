"""A home battery. Its own behaviour is to stand still, and to give nothing of its reserve to anybody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

_SIGN = {"charge": 1, "discharge": -1}
_S_PER_H = 3600.0

#: What is left by rounding when it can take or give no more.
_NOTHING_WH = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Battery:
    """`mode` is auto, idle, charge or discharge; `factor` the share of the rated power."""

    at: datetime
    capacity_wh: float = 10_000.0
    reserve_wh: float = 1_000.0  # below it the cells suffer
    power_w: float = 5_000.0
    efficiency: float = 0.95  # each way
    stored_wh: float = 5_000.0
    mode: str = "auto"
    factor: float = 0.0
    since: datetime | None = None
    drawn_wh: float = 0.0
    given_wh: float = 0.0

    def advance(self, until: datetime) -> Battery:
        """Charge or discharge until then, or until it is full or down to its reserve."""
        hours = (until - self.at).total_seconds() / _S_PER_H
        if hours <= 0:
            return self
        sign, rated_w = self._direction(), self.power_w * self.factor
        if sign > 0 and rated_w:
            drawn_wh = rated_w * min(hours, (self.capacity_wh - self.stored_wh) / (rated_w * self.efficiency))
            stored_wh = min(self.capacity_wh, self.stored_wh + drawn_wh * self.efficiency)
            return replace(self, at=until, stored_wh=stored_wh, drawn_wh=self.drawn_wh + drawn_wh)
        if sign < 0 and rated_w:
            given_wh, most_wh = rated_w * hours, max(0.0, self.stored_wh - self.reserve_wh) * self.efficiency
            stored_wh = self.stored_wh - given_wh / self.efficiency
            if given_wh >= most_wh:  # To the reserve exactly, and not a rounding error beyond.
                given_wh, stored_wh = most_wh, min(self.stored_wh, self.reserve_wh)
            return replace(self, at=until, stored_wh=stored_wh, given_wh=self.given_wh + given_wh)
        return replace(self, at=until)

    def told(self, setting: Mapping[str, Any], now: datetime) -> Battery:
        after = self.advance(now)
        mode, factor = str(setting["mode"]), float(setting.get("factor", 0.0))
        since = now if self._direction(mode) != self._direction() else self.since
        return replace(after, mode=mode, factor=factor, since=since)

    def readings(self) -> dict[str, Any]:
        """Charge and discharge are two magnitudes in kW, as many clouds have them."""
        sign = self._direction()
        room_wh = self.capacity_wh - self.stored_wh if sign > 0 else self.stored_wh - self.reserve_wh
        moves = sign != 0 and room_wh > _NOTHING_WH
        power_kw = self.power_w * self.factor / 1000.0 if moves else 0.0
        return {
            "mode": self.mode,
            "factor": self.factor,
            "since": self.since.isoformat() if self.since else None,
            "soc": 100.0 * self.stored_wh / self.capacity_wh,
            "charge_kw": power_kw if sign > 0 else 0.0,
            "discharge_kw": power_kw if sign < 0 else 0.0,
        }

    def _direction(self, mode: str | None = None) -> int:
        return _SIGN.get(mode or self.mode, 0)
