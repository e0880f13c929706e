"""What a site pursues: from rows of PostgreSQL to the plain values of the domain.

Whatever a look at a site needs of them comes with the site's own row, in one statement: a reaction waits for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet
from django.db.models.functions import JSONObject

from cem_service.domain.objectives import (
    Bandwidth,
    CapacityTariff,
    Carbon,
    GridLimit,
    Objectives,
    SteerableLimit,
)
from cem_service.domain.tariff import Tariff
from cem_service.models import AbnormalCondition, Pursuit, SiteObjectives, SitePeak
from cem_service.models import GridLimit as GridLimitRow
from cem_service.peaks import month_of
from flexhub.devices.models import Site

# What begins later than a plan reaches is no concern of it.
AHEAD = timedelta(days=2)
# Under these, using one's own solar power first is what pays.
_DEFAULT_BUY, _DEFAULT_SELL = 0.30, 0.05


def with_pursuits(sites: QuerySet[Site], now: datetime, until: datetime) -> QuerySet[Any]:
    """The same sites, each with what the functions below ask it for, of limits those that begin before `until`."""
    limits = GridLimitRow.objects.open(now).filter(site=OuterRef("pk"), starts_at__lt=until)
    limits = limits.order_by("starts_at", "id")
    abnormal = AbnormalCondition.objects.open(now).filter(site=OuterRef("pk"), starts_at__lte=now)
    names = ("source", "import_w", "export_w", "steerable_w", "starts_at", "ends_at")
    return sites.select_related("objectives__tariff", "peak").annotate(
        open_limits=ArraySubquery(limits.values(json=JSONObject(**{name: name for name in names}))),
        abnormal_until=ArraySubquery(abnormal.order_by("-ends_at").values("ends_at")[:1]),
    )


def tariff_of(site: Site) -> Tariff:
    """The site's tariff, or two flat prices where it has none."""
    if not hasattr(site, "objectives"):
        return Tariff.flat(_DEFAULT_BUY, _DEFAULT_SELL, site.timezone)
    tariff = site.objectives.tariff
    return Tariff(
        _prices(tariff.import_eur_per_kwh),
        _prices(tariff.export_eur_per_kwh),
        site.timezone,
        _prices(tariff.weekend_import_eur_per_kwh) or None,
        _prices(tariff.weekend_export_eur_per_kwh) or None,
    )


def objectives_of(site: Any, now: datetime) -> Objectives:
    """Of a site that came by `with_pursuits`."""
    rows = [_parsed(row) for row in site.open_limits]
    wishes = _wishes(site.objectives, peak_so_far_w(site, now)) if hasattr(site, "objectives") else {}
    return Objectives(
        grid_limits=tuple(_grid_limit(row) for row in rows if (row["import_w"], row["export_w"]) != (None, None)),
        steerable_limits=tuple(_steerable_limit(row) for row in rows if row["steerable_w"] is not None),
        **wishes,
    )


def _grid_limit(row: Mapping[str, Any]) -> GridLimit:
    return GridLimit(
        source=row["source"],
        import_w=row["import_w"],
        export_w=row["export_w"],
        start=row["starts_at"],
        end=row["ends_at"],
    )


def _steerable_limit(row: Mapping[str, Any]) -> SteerableLimit:
    return SteerableLimit(source=row["source"], import_w=row["steerable_w"], start=row["starts_at"], end=row["ends_at"])


def reserve_of(site: Site) -> float:
    """The share of what batteries and buffers hold that is kept at least."""
    return site.objectives.reserve_percent / 100 if hasattr(site, "objectives") else 0.0


def peak_so_far_w(site: Site, now: datetime) -> float:
    """Of the present month, in W; 0 before anything was counted."""
    peak: SitePeak | None = getattr(site, "peak", None)
    return peak.peak_w if peak is not None and peak.month == month_of(now, site.timezone) else 0.0


def _wishes(wished: SiteObjectives, peak_w: float) -> dict[str, Any]:
    """Those that are chosen and weigh anything."""
    chosen = set(wished.pursued)
    wishes: dict[str, Any] = {}
    if Pursuit.BANDWIDTH in chosen and wished.contracted_import_w and wished.contracted_import_eur_per_kwh > 0:
        wishes["bandwidth"] = Bandwidth(float(wished.contracted_import_w), wished.contracted_import_eur_per_kwh)
    if Pursuit.CAPACITY_TARIFF in chosen and wished.peak_eur_per_kw > 0:
        wishes["capacity_tariff"] = CapacityTariff(wished.peak_eur_per_kw, peak_w)
    if Pursuit.CARBON in chosen and wished.carbon_eur_per_kg > 0:
        wishes["carbon"] = Carbon(wished.carbon_eur_per_kg)
    if Pursuit.SELF_CONSUMPTION in chosen:
        wishes["self_consumption_eur_per_kwh"] = wished.self_consumption_eur_per_kwh
    return wishes


def _parsed(row: dict[str, Any]) -> dict[str, Any]:
    return row | {name: datetime.fromisoformat(row[name]) for name in ("starts_at", "ends_at")}


def _prices(stored: Sequence[float] | None) -> tuple[float, ...]:
    """None there are, whatever empty value says so: earlier releases stored also `[]`, `{}` and an empty text."""
    return tuple(float(price) for price in stored or ())
