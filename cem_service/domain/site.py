"""The state of one site at one moment: all that a plan or a reaction is computed from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import numpy as np

from cem_service.domain.feed import NO_FEEDS, FeedSeries, SiteFeeds
from cem_service.domain.forecasts import Learned
from cem_service.domain.objectives import NO_OBJECTIVES, Objectives
from cem_service.domain.phases import PhasePowers
from cem_service.domain.resource import MEASUREMENT_VALID_FOR, Resource
from cem_service.domain.series import Array
from cem_service.domain.tariff import Tariff

QuarterHourMeans = Mapping[datetime, float]  # UTC start of each quarter hour -> mean power in W


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteState:
    """Limits and powers in W, consumption positive; `export_limit_w` is given as a positive number.

    `resources` leaves the main meter's own resource out: its power is the sum of the others and of the base load,
    which nobody measures by itself. `base_history` holds past means of that base load (the main meter less all of
    `resources`), `power_history` those of single resources such as a PV system. `learned` is what was
    learned from them, by link; of the base load it is under None. `fuse_per_phase_w` is what each of three phases may
    carry, None where only their sum is limited; `main_meter_phases_w` is what the meter reads on each.
    """

    site_id: UUID
    now: datetime
    timezone: str
    fuse_limit_w: float
    tariff: Tariff
    objectives: Objectives = NO_OBJECTIVES
    feeds: SiteFeeds = NO_FEEDS
    resources: tuple[Resource, ...] = ()
    export_limit_w: float | None = None
    fuse_per_phase_w: float | None = None
    main_meter_w: float | None = None
    main_meter_phases_w: PhasePowers | None = None
    main_meter_at: datetime | None = None
    base_history: QuarterHourMeans = field(default_factory=dict)
    power_history: Mapping[UUID, QuarterHourMeans] = field(default_factory=dict)
    learned: Mapping[UUID | None, Learned] = field(default_factory=dict)

    @property
    def main_meter_age(self) -> timedelta | None:
        return None if self.main_meter_at is None else self.now - self.main_meter_at

    @property
    def main_meter_is_recent(self) -> bool:
        return (
            self.main_meter_w is not None
            and self.main_meter_at is not None
            and self.now - self.main_meter_at <= MEASUREMENT_VALID_FOR
        )

    def prices(self, start: datetime, steps: int, step: timedelta) -> tuple[Array, Array]:
        """(buy, sell) in EUR/kWh for each step: those of the feeds that the site follows, else the tariff's."""
        edges = start.timestamp() + step.total_seconds() * np.arange(steps + 1, dtype=np.float64)
        buy, sell = self.tariff.prices(start, steps, step)
        feeds = self.feeds
        return self._told(feeds.import_price, edges, buy), self._told(feeds.export_price, edges, sell)

    def grid_g_per_kwh(self, edges: Array) -> Array:
        """What the grid emits for a kWh between two of `edges`, seconds since the epoch; NaN where nobody knows."""
        series = self.feeds.grid_carbon
        return np.full(edges.size - 1, np.nan) if series is None else series.usable_means(edges, self.now)

    def _told(self, series: FeedSeries | None, edges: Array, otherwise: Array) -> Array:
        if series is None:
            return otherwise
        means = series.usable_means(edges, self.now)
        told: Array = np.where(np.isnan(means), otherwise, means)
        return told
