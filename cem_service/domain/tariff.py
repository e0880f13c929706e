"""What a kilowatt-hour costs at the site's connection, by local hour."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from cem_service.domain.local_time import places_of_steps

HOURS_PER_DAY = 24
QUARTERS_PER_HOUR = 4
_OF_WEEKENDS = ("weekend_import_eur_per_kwh", "weekend_export_eur_per_kwh")


class TariffError(ValueError):
    """The tariff does not hold one finite price for each hour of the day."""


@dataclass(frozen=True, slots=True)
class Tariff:
    """Prices in EUR/kWh for each hour of the local day; Saturdays and Sundays may have others.

    `export_eur_per_kwh` is what the site is paid for a kilowatt-hour that it feeds in; it may be negative, then
    feeding in costs money. Raises TariffError, and ZoneInfoNotFoundError for an unknown time zone.
    """

    import_eur_per_kwh: tuple[float, ...]
    export_eur_per_kwh: tuple[float, ...]
    timezone: str = "UTC"
    weekend_import_eur_per_kwh: tuple[float, ...] | None = None
    weekend_export_eur_per_kwh: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        for name in ("import_eur_per_kwh", "export_eur_per_kwh", *_OF_WEEKENDS):
            if name in _OF_WEEKENDS and getattr(self, name) is None:
                continue
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
        """(buy, sell) in EUR/kWh for each step of whole quarter hours, taken at the start of the step."""
        weekends, quarters = places_of_steps(start, steps, step, self.timezone)
        hours = quarters // QUARTERS_PER_HOUR
        # Two rows of 24: that of the working days, and that of the weekend.
        buy = np.array([self.import_eur_per_kwh, self.weekend_import_eur_per_kwh or self.import_eur_per_kwh])
        sell = np.array([self.export_eur_per_kwh, self.weekend_export_eur_per_kwh or self.export_eur_per_kwh])
        return buy[weekends, hours], sell[weekends, hours]
