"""Homes with a roof, a battery and prices that change by the hour, over several days. For seeds see `surroundings.py`.

Days differ as they do: some are overcast, on some nobody is at home, supper is early or late, and the market has calm
and wild days. What was yesterday is a hint of today, and no more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from cem_service.domain.series import Array
from tests.support.scenarios.surroundings import MIDNIGHT

TICK = timedelta(minutes=5)
TICKS_A_DAY = 288
TICKS_AN_HOUR = 12
HOURS = np.arange(TICKS_A_DAY) / TICKS_AN_HOUR
VAT = 1.21
TAXES_EUR_PER_KWH = 0.15


@dataclass(frozen=True, slots=True)
class BatteryHome:
    """Powers in W and prices in EUR/kWh for each tick, from a day before `start` to two after the last of `days`."""

    start: datetime
    days: int
    load_w: Array
    sun_w: Array
    buy: Array
    sell: Array
    capacity_kwh: float
    power_w: float
    level: float  # at the start, as a share

    @property
    def ticks(self) -> int:
        return self.days * TICKS_A_DAY

    @property
    def net_w(self) -> Array:
        """What the home draws without its battery."""
        return self.load_w - self.sun_w


def battery_home(seed: int, days: int = 10) -> BatteryHome:
    random = np.random.default_rng((41, seed))
    count = days + 3
    spot = _spot(random, count)
    sun_w = random.uniform(2000, 5000) * _sky(random, count)
    return BatteryHome(
        start=MIDNIGHT,
        days=days,
        load_w=_load_w(random, count),
        sun_w=sun_w,
        buy=VAT * spot + TAXES_EUR_PER_KWH,
        sell=spot,
        capacity_kwh=float(random.uniform(5, 12)),
        power_w=float(random.uniform(2500, 5000)),
        level=float(random.uniform(0.1, 0.9)),
    )


def _spot(random: np.random.Generator, days: int) -> Array:
    """Between 0 and some 25 ct: dear mornings and evenings, a trough at noon, deeper and shallower by the day."""
    mean, wild = 0.09, 1.0
    prices = []
    for _ in range(days):
        mean = 0.09 + 0.6 * (mean - 0.09) + random.normal(0, 0.012)
        wild = 1.0 + 0.5 * (wild - 1.0) + random.normal(0, 0.2)
        shape = 0.03 * _bump(HOURS, 8, 2) + 0.06 * _bump(HOURS, 19.5, 2.5) - 0.055 * _bump(HOURS, 13, 3)
        hourly = np.repeat(random.normal(0, 0.007, 24), TICKS_AN_HOUR)
        by_hour = np.repeat((mean + wild * shape)[::TICKS_AN_HOUR], TICKS_AN_HOUR)
        prices.append(np.maximum(by_hour + hourly, 0.0))
    return np.concatenate(prices)


def _sky(random: np.random.Generator, days: int) -> Array:
    """The share of its peak that a roof yields; whether the sun shines lasts for more than a day."""
    clear = np.where((HOURS > 6) & (HOURS < 20), np.clip(np.sin((HOURS - 6) / 14 * np.pi), 0, None) ** 1.3, 0.0)
    bright = random.uniform(0.2, 1.0)
    shares = []
    for _ in range(days):
        bright = float(np.clip(0.6 + 0.5 * (bright - 0.6) + random.normal(0, 0.22), 0.12, 1.0))
        depth = 0.8 * min(bright, 1.0 - bright) / 0.5
        clouds = np.repeat(random.uniform(-1, 1, 48), TICKS_AN_HOUR // 2) + random.uniform(-0.4, 0.4, TICKS_A_DAY)
        shares.append(clear * np.clip(bright * (1.0 + depth * clouds), 0.05, 1.0))
    return np.concatenate(shares)


def _load_w(random: np.random.Generator, days: int) -> Array:
    """150 to 400 W day and night, mornings and evenings around their hour, and what is switched on now and then."""
    standby_w, breakfast, supper = random.uniform(150, 400), random.uniform(6.5, 8.5), random.uniform(17.5, 20.5)
    evening_w = random.uniform(500, 1200)
    loads = []
    for _ in range(days):
        away = random.random() < 0.1
        at_home = 0.15 if away else float(random.uniform(0.7, 1.3))
        load_w = standby_w + at_home * 350 * _bump(HOURS, breakfast + random.normal(0, 0.4), 0.8)
        load_w += at_home * evening_w * _bump(HOURS, supper + random.normal(0, 0.6), 1.8)
        load_w += random.normal(0, 25, TICKS_A_DAY)
        for often, around, minutes, power_w in (
            (0.9, breakfast, 5, 2000),
            (0.7, supper, 30, 1800),
            (0.4, 13, 60, 1500),
        ):
            if not away and random.random() < often:
                begin = int((around + random.normal(0, 0.7)) * TICKS_AN_HOUR)
                load_w[begin : begin + minutes // 5] += power_w
        loads.append(np.maximum(load_w, 60.0))
    return np.concatenate(loads)


def _bump(hours: Array, at: float, width: float) -> Array:
    bump: Array = np.exp(-(((hours - at) / width) ** 2))
    return bump
