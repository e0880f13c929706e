"""Changes to pools: each one transaction with its audit row. All raise ValidationError for what the models refuse."""

from __future__ import annotations

from uuid import UUID, uuid4

from flexhub.devices.models import Site
from flexhub.flexibility.models import Enrolment, Pool
from tenants import audit
from tenants.audit import Actor
from tenants.models import Tenant
from tenants.scope import platform_scope, tenant_scope


def create_pool(*, tenant: Tenant, name: str, actor: Actor = None) -> Pool:
    """A pool of the aggregator `tenant`, without any site yet."""
    with tenant_scope(tenant.pk):
        pool = Pool(tenant=tenant, name=name)
        pool.full_clean()
        pool.save()
        audit.record("flexibility.pool.created", pool, actor=actor, after=audit.fields_of(pool))
    return pool


def enrol_site(*, pool: Pool, site: Site, actor: Actor = None, enrolment_id: UUID | None = None) -> Enrolment:
    """Put a site into a pool. The row and its audit belong to the site's tenant, whose consent it records."""
    # The pool is another tenant's row, so neither of the two scopes could check both ends.
    with platform_scope("enrol a site in a pool"):
        enrolment = Enrolment(id=enrolment_id or uuid4(), tenant_id=site.tenant_id, pool=pool, site=site)
        enrolment.full_clean()
        enrolment.save()
        audit.record("flexibility.site.enrolled", enrolment, actor=actor, after=audit.fields_of(enrolment))
    return enrolment
