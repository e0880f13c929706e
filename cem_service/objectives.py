"""Changes to what a site's CEM pursues: each one transaction with its audit row. All raise ValidationError.

Those of a site raise Site.DoesNotExist where it was deleted meanwhile, or is not visible in the scope.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

from django.core.exceptions import ValidationError

from cem_service.domain.feed import SeriesKind
from cem_service.feeds.catalogue import manifest_of
from cem_service.feeds.models import Feed
from cem_service.models import Pursuit, SiteObjectives, Tariff
from flexhub.devices.models import Site
from tenants import audit
from tenants.audit import Actor
from tenants.models import Tenant
from tenants.scope import tenant_scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What a site pursues beside its tariff; each is a field of SiteObjectives, which says what it means."""

    pursued: Sequence[str] = tuple(Pursuit.values)
    contracted_import_w: int | None = None
    contracted_import_eur_per_kwh: float = 0.0
    peak_eur_per_kw: float = 0.0
    carbon_eur_per_kg: float = 0.0
    self_consumption_eur_per_kwh: float = 0.0
    reserve_percent: int = 0


WISHES = tuple(each.name for each in fields(Wishes))


def create_tariff(
    *,
    tenant: Tenant,
    name: str,
    import_eur_per_kwh: Sequence[float],
    export_eur_per_kwh: Sequence[float],
    weekend_import_eur_per_kwh: Sequence[float] | None = None,
    weekend_export_eur_per_kwh: Sequence[float] | None = None,
    actor: Actor = None,
) -> Tariff:
    """A tariff with one price for each of 24 local hours, in EUR/kWh; weekends may have others."""
    tariff = Tariff(
        tenant=tenant,
        name=name,
        import_eur_per_kwh=list(import_eur_per_kwh),
        export_eur_per_kwh=list(export_eur_per_kwh),
        weekend_import_eur_per_kwh=weekend_import_eur_per_kwh and list(weekend_import_eur_per_kwh),
        weekend_export_eur_per_kwh=weekend_export_eur_per_kwh and list(weekend_export_eur_per_kwh),
    )
    with tenant_scope(tenant.pk):
        tariff.full_clean()
        tariff.save()
        audit.record("cem.tariff.created", tariff, actor=actor, after=audit.fields_of(tariff))
    return tariff


def set_objectives(*, site: Site, tariff: Tariff, wishes: Wishes | None = None, actor: Actor = None) -> SiteObjectives:
    """Have the site's CEM follow this tariff, and pursue these wishes, from now on. None leaves those as they are."""
    with tenant_scope(site.tenant_id):
        former = _locked(site)
        before = audit.fields_of(former) if former else None
        objectives = former or SiteObjectives(site=site, tenant_id=site.tenant_id)
        objectives.tariff = tariff
        for name in WISHES if wishes is not None else ():
            setattr(objectives, name, getattr(wishes, name))
        objectives.pursued = list(objectives.pursued)
        objectives.full_clean(exclude=["site"], validate_unique=False)
        objectives.save()
        audit.record("cem.objectives.set", objectives, actor=actor, before=before, after=audit.fields_of(objectives))
    return objectives


#: For each column that names a feed, the kinds of series of which it has to give one.
FOLLOWED: Mapping[str, frozenset[SeriesKind]] = {
    "import_price_feed": frozenset({SeriesKind.PRICE}),
    "export_price_feed": frozenset({SeriesKind.PRICE, SeriesKind.EXPORT_PRICE}),
    "carbon_feed": frozenset({SeriesKind.GRID_CARBON}),
    "weather_feed": frozenset({SeriesKind.IRRADIANCE, SeriesKind.TEMPERATURE}),
    "limits_feed": frozenset({SeriesKind.IMPORT_LIMIT, SeriesKind.EXPORT_LIMIT}),
}


def follow_feeds(*, site: Site, feeds: Mapping[str, Feed | None], actor: Actor = None) -> SiteObjectives:
    """Have the site's CEM follow these feeds, by the names of `FOLLOWED`; None: no feed. The others stay as they are.

    The site has to have objectives already: their tariff is what counts where a feed says nothing.
    """
    for name, feed in feeds.items():
        check_follows(name, feed)
    with tenant_scope(site.tenant_id):
        objectives = _locked(site)
        if objectives is None:
            raise ValidationError({"site": "Give the site a tariff first; it counts where a feed says nothing."})
        before = audit.fields_of(objectives)
        for name, feed in feeds.items():
            setattr(objectives, name, feed)
        objectives.full_clean(exclude=["site"], validate_unique=False)
        objectives.save(update_fields=list(feeds))
        old, new = audit.changes_between(before, audit.fields_of(objectives))
        audit.record("cem.objectives.feeds_followed", objectives, actor=actor, before=old, after=new)
    return objectives


def _locked(site: Site) -> SiteObjectives | None:
    """One after the other at a site, so that its objectives stay one row and no change takes back another."""
    Site.objects.select_for_update(no_key=True).get(pk=site.pk)
    return SiteObjectives.objects.filter(site=site).first()


def check_follows(name: str, feed: Feed | None) -> None:
    """Raises ValidationError for a feed that cannot be followed for this."""
    wanted = FOLLOWED[name]
    if feed is not None and wanted.isdisjoint(manifest_of(feed.provider).gives):
        kinds = " or ".join(sorted(wanted))
        raise ValidationError({name: f"{feed} does not give {kinds}."})
