"""Homes from seeds: a tariff, a load and a roof, all synthetic. Seeds 0-9 are for development, 100 and above judge."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from cem_service.domain.series import Array
from cem_service.planners.horizon import Horizon
from cem_service.planners.power_cost import PowerCost
from cem_service.planners.site_cost import SiteCost

DEVELOPMENT_SEEDS = range(10)
JUDGING_SEEDS = range(100, 112)

MIDNIGHT = datetime(2026, 4, 21, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a device meets: prices in EUR/kWh and the power of everything else in W, for each step."""

    horizon: Horizon
    buy: Array
    sell: Array
    base_w: Array
    fuse_w: float

    @property
    def site_cost(self) -> SiteCost:
        return SiteCost.within(self.buy, self.sell, self.fuse_w, self.fuse_w)

    @property
    def cost(self) -> PowerCost:
        """As one device sees it, with nothing else to be steered."""
        return self.site_cost.seen_by(self.base_w)


def surroundings(seed: int, *, fuse_w: float = 8000.0) -> Surroundings:
    """A day from midnight. Every third seed has a day and night tariff, the others one that changes with the market."""
    random = np.random.default_rng((17, seed))
    horizon = Horizon.at(MIDNIGHT)
    hours = np.arange(horizon.steps) / 4
    buy = _day_and_night(hours) if seed % 3 == 0 else _dynamic(random, hours, quarters=seed % 3 == 2)
    sell = np.full(horizon.steps, float(random.uniform(0.04, 0.12)))
    base_w = load_w(random, hours) - sun_w(random, hours)
    return Surroundings(horizon, buy, np.minimum(sell, buy - 0.01), base_w, fuse_w)


def _day_and_night(hours: Array) -> Array:
    return np.where((hours >= 7) & (hours < 22), 0.34, 0.22)


def _dynamic(random: np.random.Generator, hours: Array, *, quarters: bool) -> Array:
    """Two peaks and a trough at noon, with noise for each hour or quarter; never below 5 ct."""
    shape = 0.24 + 0.07 * _bump(hours, 8, 2.0) + 0.12 * _bump(hours, 19, 2.5) - 0.09 * _bump(hours, 13, 2.5)
    size = hours.size if quarters else hours.size // 4
    noise = random.normal(0.0, 0.025, size)
    prices: Array = np.maximum(shape + (noise if quarters else np.repeat(noise, 4)), 0.05)
    return prices


def load_w(random: np.random.Generator, hours: Array) -> Array:
    """200 to 400 W, with a morning and an evening, and a kettle or an oven now and then."""
    power_w = (
        random.uniform(200, 400) + 500 * _bump(hours, 7.5, 1.0) + random.uniform(700, 1500) * _bump(hours, 19, 2.0)
    )
    peaks_w = np.where(random.random(hours.size) < 0.06, random.uniform(800, 2200, hours.size), 0.0)
    load: Array = power_w + peaks_w + random.normal(0, 40, hours.size)
    return load


def sun_w(random: np.random.Generator, hours: Array) -> Array:
    """A roof of 3 to 7 kW between 6 and 20 o'clock, behind clouds that last about an hour."""
    clear = np.clip(np.sin((hours - 6) / 14 * np.pi), 0.0, None) ** 1.3
    clouds = np.repeat(random.uniform(0.25, 1.0, hours.size // 4 + 1), 4)[: hours.size]
    power_w: Array = random.uniform(3000, 7000) * np.where((hours > 6) & (hours < 20), clear, 0.0) * clouds
    return power_w


def _bump(hours: Array, at: float, width: float) -> Array:
    bump: Array = np.exp(-(((hours - at) / width) ** 2))
    return bump
