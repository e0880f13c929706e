"""Prices and grid carbon out of the simulated market's JSON, one entry for each quarter hour. Pure."""

from __future__ import annotations

from datetime import timedelta

from cem_service.domain.feed import SeriesKind
from cem_service.feeds.sdk import Place, Series, repeated

_QUARTER = timedelta(minutes=15)
_KWH_PER_MWH = 1000.0


def market(document: bytes) -> tuple[Series, Series]:
    """Prices in EUR/kWh and grid carbon in g/kWh. Raises Malformed."""
    quarters = list((Place.of(document) / "quarters").items())
    starts = [(each / "at").moment() for each in quarters]
    prices = [(each / "eur_per_mwh").number() / _KWH_PER_MWH for each in quarters]
    carbon = [(each / "g_per_kwh").number() for each in quarters]
    return (
        Series.of(SeriesKind.PRICE, repeated(zip(starts, prices, strict=True), _QUARTER), field="quarters"),
        Series.of(SeriesKind.GRID_CARBON, repeated(zip(starts, carbon, strict=True), _QUARTER), field="quarters"),
    )
