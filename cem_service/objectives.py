"""Changes to what a site's CEM pursues: each one transaction with its audit row. All raise ValidationError."""

from __future__ import annotations

from collections.abc import Sequence

from cem_service.models import SiteObjectives, Tariff
from flexhub.devices.models import Site
from tenants import audit
from tenants.audit import Actor
from tenants.models import Tenant
from tenants.scope import tenant_scope


def create_tariff(
    *,
    tenant: Tenant,
    name: str,
    import_eur_per_kwh: Sequence[float],
    export_eur_per_kwh: Sequence[float],
    actor: Actor = None,
) -> Tariff:
    """A tariff with one price for each of 24 local hours, in EUR/kWh."""
    tariff = Tariff(
        tenant=tenant,
        name=name,
        import_eur_per_kwh=list(import_eur_per_kwh),
        export_eur_per_kwh=list(export_eur_per_kwh),
    )
    with tenant_scope(tenant.pk):
        tariff.full_clean()
        tariff.save()
        audit.record("cem.tariff.created", tariff, actor=actor, after=audit.fields_of(tariff))
    return tariff


def set_objectives(*, site: Site, tariff: Tariff, actor: Actor = None) -> SiteObjectives:
    """Have the site's CEM follow this tariff from now on."""
    with tenant_scope(site.tenant_id):
        former = SiteObjectives.objects.filter(site=site).first()
        before = audit.fields_of(former) if former else None
        objectives = SiteObjectives(site=site, tenant_id=site.tenant_id, tariff=tariff)
        objectives.full_clean(exclude=["site"], validate_unique=False)
        objectives.save()
        audit.record("cem.objectives.set", objectives, actor=actor, before=before, after=audit.fields_of(objectives))
    return objectives
