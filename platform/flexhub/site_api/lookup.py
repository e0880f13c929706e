"""Finding what an address names, among what is the caller's own."""

from __future__ import annotations

import re
from uuid import UUID

from rest_framework.exceptions import NotFound

from cem_service.grid_limit import REFERENCE
from cem_service.models import GridLimit
from flexhub.devices.models import Site
from tenants.models import APIClient
from tenants.scope import tenant_scope

NO_SUCH_SITE = "There is no such site."
NO_SUCH_LIMIT = "There is no such limit."


def own_site(client: APIClient, site_id: str) -> Site:
    """One answer for what is unknown, another tenant's, or no id at all. Raises NotFound."""
    try:
        wanted = UUID(site_id)
    except ValueError as error:
        raise NotFound(NO_SUCH_SITE) from error
    with tenant_scope(client.tenant_id):
        site = Site.objects.filter(pk=wanted).first()
    if site is None:
        raise NotFound(NO_SUCH_SITE)
    return site


def limit_of(site: Site, reference: str) -> GridLimit:
    """Raises NotFound, also for a text that can be no reference."""
    limit: GridLimit | None = None
    if re.fullmatch(REFERENCE, reference):
        with tenant_scope(site.tenant_id):
            limit = GridLimit.objects.select_related("site").filter(site=site, reference=reference).first()
    if limit is None:
        raise NotFound(NO_SUCH_LIMIT)
    return limit
