"""What the site will draw if nobody steers it: the base load and each resource's own power, in W.

The floor of all forecasts is seasonal persistence: the same quarter hour of the day before, of two days before, and so
on. What was learned takes its place where it has been the better one (`learned`). Where a Resource Manager forecasts
its own power, that wins.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from cem_service.domain.forecasts import NOTHING_LEARNED, Forecast, Forecasts, ForecastSource
from cem_service.domain.pebc import PEBCResource
from cem_service.domain.ppbc import PPBCResource
from cem_service.domain.quantities import ELECTRIC, bounded, total_power_w
from cem_service.domain.resource import Resource
from cem_service.domain.series import Array, StepSeries
from cem_service.domain.site import SiteState
from cem_service.planners.horizon import Horizon
from cem_service.planners.learned import Series, known_until
from cem_service.planners.planned import is_planned
from s2.messages import PowerForecastValue

DAYS_BACK = 7
_BACK = tuple(timedelta(days=days) for days in range(1, DAYS_BACK + 1))

# Without forecast and history, production is taken for solar: half a sine between these local hours. Persistence of
# one reading would promise noon's sun for midnight.
SUNRISE_HOUR, SUNSET_HOUR = 6.0, 20.0
LEAST_SUN = 0.05  # Below this share of the noon value a reading says too little about noon.

# What the sun gives on a day, as shares of what it gave on the day before, at the levels of QUANTILES of a power below
# zero. An assumption for days of which nothing is known: one in ten is brighter by more than this, one in ten duller.
SUN_OF_ANOTHER_DAY = (1.6, 1.0, 0.6)

# What is particular about the present fades out of the forecast within two hours: a cooker is not on all day.
PRESENT_STEPS = 8


def forecast_base(site: SiteState, horizon: Horizon) -> Array:
    """Power of what is not any resource's, per step."""
    return forecast_of(site, None, horizon).power_w


def forecast_resource(site: SiteState, resource: Resource, horizon: Horizon) -> Array:
    """Power of one resource left to itself, per step."""
    return forecast_of(site, resource, horizon).power_w


def forecast_of(site: SiteState, resource: Resource | None, horizon: Horizon) -> Forecast:
    """The forecast that counts for a resource left to itself or, with None, for the base load."""
    best = _series(site, resource).best(_floor(site, resource, horizon), horizon)
    return _own_forecast(resource, best, horizon) or best


def forecast_in(site: SiteState) -> Iterator[Resource | None]:
    """The base load, and what does by itself as it likes: nobody plans it, or plans only draw limits around it.

    A machine without a profile to place draws nothing.
    """
    yield None
    for resource in site.resources:
        if isinstance(resource, PEBCResource) or not (isinstance(resource, PPBCResource) or is_planned(resource)):
            yield resource


def forecasts_of(site: SiteState, horizon: Horizon) -> Forecasts:
    """Of all these."""
    return {None if one is None else one.link_id: forecast_of(site, one, horizon) for one in forecast_in(site)}


def forecasts_to_judge(site: SiteState, resource: Resource | None, horizon: Horizon) -> tuple[Forecast, ...]:
    """What every source says by itself, whether it counts or not; the floor first."""
    floor = _floor(site, resource, horizon)
    own = _own_forecast(resource, floor, horizon)
    return (floor, *_series(site, resource).each(floor, horizon), *(() if own is None else (own,)))


def _series(site: SiteState, resource: Resource | None) -> Series:
    if resource is None:
        # The weather says what panels give; what a household draws is its own affair.
        return Series(site.base_history, site.learned.get(None, NOTHING_LEARNED), None)
    learned = site.learned.get(resource.link_id, NOTHING_LEARNED)
    return Series(site.power_history.get(resource.link_id, {}), learned, site.feeds.irradiance)


def forecast_phases(site: SiteState, base_w: Array) -> Array:
    """`base_w`, (steps,), spread over the three phases: evenly, but for how they differ now, which lasts a while.

    Shape (3, steps).
    """
    spread = np.repeat(base_w[None, :] / 3, 3, axis=0)
    if site.main_meter_phases_w is not None and site.main_meter_is_recent:
        now_w = np.array(site.main_meter_phases_w)
        for resource in site.resources:
            now_w -= (resource.power_w(site.now) or 0.0) * np.array(resource.phase_shares)
        spread += (now_w - now_w.mean())[:, None] * _lasting(base_w.size)
    return spread


def as_loads(site: SiteState, power_w: Array) -> Array:
    """A power of the connection, (steps,), as `site_cost` counts it: with its phases where each has a fuse."""
    return power_w if site.fuse_per_phase_w is None else np.vstack((power_w, forecast_phases(site, power_w)))


def base_power_w(site: SiteState) -> float | None:
    """The base load now: the main meter less all resources; None where there is no recent meter reading."""
    if site.main_meter_w is None or not site.main_meter_is_recent:
        return None
    return site.main_meter_w - sum(resource.power_w(site.now) or 0.0 for resource in site.resources)


def _floor(site: SiteState, resource: Resource | None, horizon: Horizon) -> Forecast:
    """Persistence, and what `_without_a_past` says of quarter hours of which no earlier day is known.

    It has the name of what most of it is made from.
    """
    now_w = base_power_w(site) if resource is None else resource.power_w(site.now)
    history = _series(site, resource).history
    power_w = persistence(history, horizon)
    unknown = np.isnan(power_w)
    if unknown.any():
        power_w[unknown] = _without_a_past(history, now_w, horizon, site.timezone)[unknown]
    if 2 * unknown.sum() <= horizon.steps:
        return _as_days_differ(ForecastSource.PERSISTENCE, power_w, known_until(history))
    source = ForecastSource.DAYLIGHT if (power_w < 0).any() else ForecastSource.PRESENT
    return _as_days_differ(source, power_w, site.now)


def _without_a_past(history: Mapping[datetime, float], now_w: float | None, horizon: Horizon, timezone: str) -> Array:
    """Daylight for what produces, else from what is now to the mean of what was so far."""
    present_w = now_w or 0.0
    mean_w = float(np.mean(list(history.values()))) if history else present_w
    if mean_w < 0:
        return daylight(min(present_w, 0.0), horizon, timezone)
    differs_w = 0.0 if now_w is None else now_w - mean_w
    expected: Array = mean_w + differs_w * _lasting(horizon.steps)
    return expected


def _lasting(steps: int) -> Array:
    """How much of the present there is still in each step."""
    share: Array = np.maximum(1.0 - np.arange(steps) / PRESENT_STEPS, 0.0)
    return share


def _as_days_differ(source: ForecastSource, power_w: Array, as_of: datetime | None) -> Forecast:
    """One that knows that no day is as sunny as another."""
    shares = np.array(SUN_OF_ANOTHER_DAY)[:, None]
    return Forecast(source, power_w, np.where(power_w < 0.0, shares * power_w, power_w), as_of)


def _own_forecast(resource: Resource | None, otherwise: Forecast, horizon: Horizon) -> Forecast | None:
    """What the Resource Manager forecasts, and `otherwise` beyond its end; None where it does not."""
    if resource is None or resource.power_forecast is None:
        return None
    told = resource.power_forecast
    pieces: list[tuple[int, float]] = []
    for element in told.elements:
        power_w = _expected_w(element.power_values)
        if power_w is None:
            return None
        pieces.append((element.duration, power_w))
    known = StepSeries.consecutive(told.start_time, pieces)
    filled = _with_gaps_filled(known, otherwise.power_w, horizon)
    return Forecast.certain(ForecastSource.DEVICE, filled, told.start_time)


def _expected_w(values: Sequence[PowerForecastValue]) -> float | None:
    """As `total_power_w` has it, which takes three times as long for the one value that most forecasts have."""
    if len(values) == 1 and values[0].commodity_quantity in ELECTRIC:
        return bounded(values[0].value_expected)
    return total_power_w((value.commodity_quantity, value.value_expected) for value in values)


def _with_gaps_filled(known: StepSeries, fallback: Array, horizon: Horizon) -> Array:
    """The forecast where it says something, the fallback beyond its end."""
    if known.values.size == 0:
        return fallback
    covered = StepSeries(known.edges, np.ones_like(known.values)).means(horizon.edges, 0.0)
    return known.means(horizon.edges, 0.0) + (1.0 - covered) * fallback


def persistence(history: Mapping[datetime, float], horizon: Horizon) -> Array:
    """The latest known mean of the same quarter hour on an earlier day; NaN where there is none."""
    result = np.full(horizon.steps, np.nan)
    for step, start in enumerate(horizon.starts if history else ()):
        for back in _BACK:
            found = history.get(start - back)
            if found is not None:
                result[step] = found
                break
    return result


def daylight(now_w: float, horizon: Horizon, timezone: str) -> Array:
    """Production scaled from its present reading along the sun's day; 0 when it is too dark to tell."""
    zone = ZoneInfo(timezone)
    local = [start.astimezone(zone) for start in horizon.starts]
    hours = np.array([moment.hour + moment.minute / 60 + 0.125 for moment in local])
    shape = np.sin(np.pi * np.clip((hours - SUNRISE_HOUR) / (SUNSET_HOUR - SUNRISE_HOUR), 0.0, 1.0))
    if shape[0] < LEAST_SUN:
        return np.zeros(horizon.steps)
    scaled: Array = now_w * shape / shape[0]
    return scaled


def with_forecast(resource: PEBCResource, forecast: Forecast, horizon: Horizon) -> PEBCResource:
    """The resource with what it is expected to take if it is left free."""
    return replace(resource, free=StepSeries(horizon.edges, forecast.power_w))
