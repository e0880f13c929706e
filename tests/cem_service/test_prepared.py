from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cem_service.models import SiteObjectives
from cem_service.objectives import create_tariff, set_objectives
from cem_service.prepared import Prepared
from cem_service.pursuing import with_pursuits
from flexhub.devices.models import Link, Site
from tenants.scope import platform_scope, tenant_scope
from tests.support.registry import make_household

NOW = datetime(2026, 4, 21, 12, tzinfo=UTC)

pytestmark = pytest.mark.django_db


def test_gives_the_rows_of_each_asking_as_the_queryset_would() -> None:
    alder, birch = make_household("Alder"), make_household("Birch")
    names = Prepared(
        lambda site_id: Link.objects.filter(rm_node__site=site_id).values_list("id", "rm_node__name"), UUID
    )
    with platform_scope("test"):
        assert names(alder.site.pk) == [(alder.link.pk, "Alder battery")]
        assert names(birch.site.pk) == [(birch.link.pk, "Birch battery")]
        assert names(birch.link.pk) == []


def test_gives_models_with_all_that_they_are_joined_to_in_one_statement() -> None:
    household = make_household()
    prices = [0.3] * 24
    tariff = create_tariff(tenant=household.tenant, name="flat", import_eur_per_kwh=prices, export_eur_per_kwh=prices)
    set_objectives(site=household.site, tariff=tariff)
    sites = Prepared(
        lambda site_id, now, until: with_pursuits(Site.objects.filter(id=site_id), now, until), UUID, datetime, datetime
    )
    with tenant_scope(household.tenant.pk):
        sites(household.site.pk, NOW, NOW)
        with CaptureQueriesContext(connection) as asked:
            (site,) = sites(household.site.pk, NOW, NOW + timedelta(days=2))
            assert (site.name, site.objectives.tariff.name, site.open_limits) == ("Alder house", "flat", [])
    assert len(asked) == 1


def test_sees_no_more_than_the_scope_lets_it() -> None:
    alder, birch = make_household("Alder"), make_household("Birch")
    sites = Prepared(lambda site_id: Site.objects.filter(id=site_id), UUID)
    with tenant_scope(alder.tenant.pk):
        assert sites(alder.site.pk) == [alder.site]
    with tenant_scope(birch.tenant.pk):
        assert sites(alder.site.pk) == []


def test_refuses_an_argument_that_the_database_is_not_told() -> None:
    wrong = Prepared(lambda site_id, now: SiteObjectives.objects.filter(site=site_id), UUID, datetime)
    with pytest.raises(ValueError, match="does not become a parameter"):
        wrong(UUID(int=1), NOW)
