"""What comes to a home from outside: sky, household load and heat demand, for any moment and any process alike."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from flexhub.demo.physics import heatpump
from flexhub.demo.physics.cell import Cell
from flexhub.demo.physics.load import Load
from flexhub.demo.physics.pv import PV
from flexhub.demo.physics.weather import Weather, outdoor_c


def minute_of_day(local: datetime) -> float:
    return local.hour * 60 + local.minute + local.second / 60


@dataclass(frozen=True, slots=True)
class HomeSurroundings:
    """Pure: the same arguments give the same cells. `pv` and `heat_loss_w_per_k` are None where a home has none."""

    seed: int
    zone: tzinfo
    weather: Weather
    load: Load
    pv: PV | None = None
    heat_loss_w_per_k: float | None = None

    def local(self, at_s: float) -> datetime:
        return datetime.fromtimestamp(at_s, UTC).astimezone(self.zone)

    def cell(self, start_s: float) -> Cell:
        local = self.local(start_s)
        minute = minute_of_day(local)
        outdoor = outdoor_c(minute)
        demand_w = 0.0
        if self.heat_loss_w_per_k is not None:
            heating_w = heatpump.heating_w(self.heat_loss_w_per_k, outdoor)
            demand_w = heating_w + heatpump.hot_water_w(self.seed, local.date(), minute)
        return Cell(
            start_s=start_s,
            hour=local.hour,
            minute_of_day=minute,
            outdoor_c=outdoor,
            load_w=self.load.power_w(start_s, local.date(), minute),
            pv_available_w=0.0 if self.pv is None else self.pv.available_w(self.weather, start_s),
            heat_demand_w=demand_w,
        )

    def expected_heat_demand_w(self, at_s: float) -> float:
        """What the heat pump's maker forecasts: the weather is known, the taps only on average."""
        local = self.local(at_s)
        heating_w = heatpump.heating_w(self.heat_loss_w_per_k or 0.0, outdoor_c(minute_of_day(local)))
        return heating_w + heatpump.expected_hot_water_w(local.hour)
