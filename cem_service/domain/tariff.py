"""What a kilowatt-hour costs at the site's connection, by local hour."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

HOURS_PER_DAY = 24


class TariffError(ValueError):
    """The tariff does not hold one finite price for each hour of the day."""


@dataclass(frozen=True, slots=True)
class Tariff:
    """Prices in EUR/kWh for each hour of the local day.

    `export_eur_per_kwh` is what the site is paid for a kilowatt-hour that it feeds in; it may be negative, then
    feeding in costs money. Raises TariffError, and ZoneInfoNotFoundError for an unknown time zone.
    """

    import_eur_per_kwh: tuple[float, ...]
    export_eur_per_kwh: tuple[float, ...]
    timezone: str = "UTC"

    def __post_init__(self) -> None:
        for name in ("import_eur_per_kwh", "export_eur_per_kwh"):
            prices = tuple(float(price) for price in getattr(self, name))
            if len(prices) != HOURS_PER_DAY or not all(np.isfinite(prices)):
                raise TariffError(f"{name} needs {HOURS_PER_DAY} finite prices, one for each local hour")
            object.__setattr__(self, name, prices)
        ZoneInfo(self.timezone)

    @classmethod
    def flat(cls, import_eur_per_kwh: float, export_eur_per_kwh: float, timezone: str = "UTC") -> Tariff:
        """The same two prices at every hour."""
        return cls((import_eur_per_kwh,) * HOURS_PER_DAY, (export_eur_per_kwh,) * HOURS_PER_DAY, timezone)

    def prices(self, start: datetime, steps: int, step: timedelta) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(buy, sell) in EUR/kWh for each step, taken at the start of the step.

        Steps advance in elapsed time, so a day with 23 or 25 local hours needs no special case: the local hour is
        looked up afresh for each step.
        """
        zone = ZoneInfo(self.timezone)
        hours = [(start + index * step).astimezone(zone).hour for index in range(steps)]
        return np.array(self.import_eur_per_kwh)[hours], np.array(self.export_eur_per_kwh)[hours]
