"""A home with a battery, steered over days in virtual time: plan, instructions, device, statuses, and plan again.

The battery is that of the demo with its own Resource Manager; only sockets and sessions are left out. Within a tick
nothing changes, and the meter is read at its beginning, as one that reports each change is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum

import numpy as np

from cem_service.domain.feed import FeedSeries, SeriesKind, SiteFeeds
from cem_service.domain.series import Array, StepSeries
from cem_service.domain.site import SiteState
from cem_service.domain.tariff import Tariff
from cem_service.planners.plan import STEP
from flexhub.demo.physics.battery import Battery
from flexhub.demo.physics.cell import Cell
from flexhub.demo.rm.battery import BatteryResource
from flexhub.demo.rm.resource import Identity
from flexhub.telemetry.quarters import quarter_start
from s2.messages import CommodityQuantity, ControlType
from tests.support.reference.battery_span import bill_eur, least_eur, self_consumption_w
from tests.support.resources import link_id, measurement, new_id, solar_forecast
from tests.support.scenarios.battery_home import TICK, TICKS_A_DAY, TICKS_AN_HOUR, BatteryHome
from tests.support.virtual_cem import Known, VirtualCEM

FUSE_W = 17_250.0
DAY = timedelta(days=1)
TICK_S = TICK.total_seconds()
TICKS_A_QUARTER = 3
# When the market publishes the hours of the next day.
PUBLISHED_AT_TICK = 13 * TICKS_AN_HOUR
BATTERY, ROOF, METER = (link_id(name) for name in ("Home battery", "Roof", "Meter"))


class Forecast(Enum):
    """What the plans go by, for load and sun. Prices are known as far as the market has published them.

    Where it is perfect the roof's Resource Manager tells what it will give: that is certain, and a repeated day is not.
    """

    PERFECT = "perfect"
    PERSISTENCE = "persistence"


@dataclass
class BatteryLoop:
    home: BatteryHome
    forecast: Forecast
    powers_w: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        home = self.home
        self._battery = Battery(1000 * home.capacity_kwh, home.power_w, home.power_w, soc=home.level)
        identity = Identity(BATTERY, "Home battery", CommodityQuantity.ELECTRIC_POWER_L1, new_id)
        self._rm = BatteryResource(identity, self._battery_w, 0.0, self._battery)
        links = {
            BATTERY: Known("Home battery", ControlType.FILL_RATE_BASED_CONTROL),
            ROOF: Known("Roof", ControlType.NOT_CONTROLABLE),
            METER: Known("Meter", ControlType.NOT_CONTROLABLE),
        }
        self._cem = VirtualCEM(self._surroundings, links, METER, new_id)
        self._load_means, self._sun_means = (
            each.reshape(-1, TICKS_A_QUARTER).mean(axis=1) for each in (home.load_w, home.sun_w)
        )

    def run(self) -> BatteryLoop:
        start_s = self.home.start.timestamp()
        for message in self._rm.take_control(start_s):
            self._cem.hear(BATTERY, message, self.home.start)
        for tick in range(self.home.ticks):
            self._tick(tick)
        return self

    def _tick(self, tick: int) -> None:
        now = self.home.start + tick * TICK
        at_s, index = now.timestamp(), TICKS_A_DAY + tick
        for message in (*self._rm.changes(at_s), *self._rm.report(at_s)):
            self._cem.hear(BATTERY, message, now)
        if self.forecast is Forecast.PERFECT and tick % TICKS_A_QUARTER == 0:
            self._cem.hear(ROOF, solar_forecast(self._to_come(self._sun_means, now), now), now)
        self._cem.hear(ROOF, measurement(-float(self.home.sun_w[index]), now), now)
        self._cem.hear(METER, measurement(float(self.home.net_w[index]) + self._battery_w(), now), now)
        for decision in self._cem.look(now):
            for message in (*self._rm.instruct(decision.message, at_s), *self._rm.changes(at_s)):
                self._cem.hear(BATTERY, message, now)
        self.powers_w.append(self._battery.step(_cell(at_s), TICK_S))

    def _battery_w(self) -> float:
        return self._battery.power_w(_cell(0.0), TICK_S)

    def _surroundings(self, now: datetime) -> SiteState:
        load, sun = self._history(self._load_means, now), self._history(self._sun_means, now)
        return SiteState(
            site_id=link_id("home"),
            now=now,
            timezone="UTC",
            fuse_limit_w=FUSE_W,
            tariff=Tariff.flat(float(self.home.buy[:TICKS_A_DAY].mean()), float(self.home.sell[:TICKS_A_DAY].mean())),
            feeds=SiteFeeds(
                import_price=self._published(SeriesKind.PRICE, self.home.buy, now),
                export_price=self._published(SeriesKind.EXPORT_PRICE, self.home.sell, now),
            ),
            base_history=load,
            power_history={ROOF: {at: -power_w for at, power_w in sun.items()}},
        )

    def _history(self, means_w: Array, now: datetime) -> dict[datetime, float]:
        """The day before now; for a perfect forecast what is to come stands there instead."""
        stands_for = now if self.forecast is Forecast.PERFECT else now - DAY
        begin = quarter_start(now) - DAY
        return {begin + step * STEP: power_w for step, power_w in enumerate(self._to_come(means_w, stands_for))}

    def _to_come(self, means_w: Array, moment: datetime) -> list[float]:
        """The means of the day from the quarter hour of `moment` on."""
        first = (moment - self.home.start + DAY) // STEP
        quarters = np.arange(first, first + DAY // STEP)
        return [float(power_w) for power_w in means_w[np.minimum(quarters, means_w.size - 1)]]

    def _published(self, kind: SeriesKind, prices: Array, now: datetime) -> FeedSeries:
        """From the beginning of today to the end of today, and of tomorrow once that is out."""
        day, tick = divmod((now - self.home.start) // TICK, TICKS_A_DAY)
        days = 2 if tick >= PUBLISHED_AT_TICK else 1
        known = prices[(day + 1) * TICKS_A_DAY : (day + 1 + days) * TICKS_A_DAY : TICKS_AN_HOUR]
        pieces = [(3_600_000, float(price)) for price in known]
        steps = StepSeries.consecutive(self.home.start + day * DAY, pieces)
        return FeedSeries(
            source="Day ahead", kind=kind, steps=steps, fetched_at=now, every=timedelta(hours=1), valid_for=DAY
        )


def _cell(at_s: float) -> Cell:
    """A battery looks at no part of it."""
    return Cell(at_s, 0, 0.0, 0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Score:
    """Shares of what can be saved at most, against a battery that does nothing: steered, and by the plain rule."""

    share: float
    by_rule: float


def score(home: BatteryHome, forecast: Forecast) -> Score:
    idle_eur, least = bill_eur(home, np.zeros(home.ticks)), least_eur(home)

    def share(powers_w: Array) -> float:
        return (idle_eur - bill_eur(home, powers_w)) / (idle_eur - least)

    return Score(share(np.array(BatteryLoop(home, forecast).run().powers_w)), share(self_consumption_w(home)))
