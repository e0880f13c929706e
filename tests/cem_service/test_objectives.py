from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError

from cem_service.models import SiteObjectives, Tariff
from cem_service.objectives import create_tariff, set_objectives
from tenants.scope import tenant_scope
from tests.support.registry import audited, make_household

pytestmark = pytest.mark.django_db

FLAT = [0.25] * 24


def test_a_tariff_and_what_follows_it_are_audited() -> None:
    alder = make_household("Alder")

    tariff = create_tariff(tenant=alder.tenant, name="Flat", import_eur_per_kwh=FLAT, export_eur_per_kwh=FLAT)
    set_objectives(site=alder.site, tariff=tariff)

    assert len(audited("cem.tariff.created")) == 1
    assert len(audited("cem.objectives.set")) == 1


def test_setting_objectives_again_replaces_them() -> None:
    alder = make_household("Alder")
    for name in ("Old", "New"):
        tariff = create_tariff(tenant=alder.tenant, name=name, import_eur_per_kwh=FLAT, export_eur_per_kwh=FLAT)
        set_objectives(site=alder.site, tariff=tariff)

    with tenant_scope(alder.tenant.pk):
        assert SiteObjectives.objects.get().tariff.name == "New"


@pytest.mark.parametrize("prices", [[0.25] * 23, [0.25] * 23 + ["dear"], [0.25] * 23 + [True], [0.25] * 23 + [5000]])
def test_refuses_a_day_that_is_no_day_of_prices(prices: list[object]) -> None:
    alder = make_household("Alder")

    with pytest.raises(ValidationError, match="import_eur_per_kwh"):
        create_tariff(tenant=alder.tenant, name="Odd", import_eur_per_kwh=prices, export_eur_per_kwh=FLAT)  # type: ignore[arg-type] # That is the point.


def test_a_site_cannot_follow_another_tenants_tariff() -> None:
    alder, birch = make_household("Alder"), make_household("Birch")
    tariff = create_tariff(tenant=birch.tenant, name="Birch's", import_eur_per_kwh=FLAT, export_eur_per_kwh=FLAT)

    with pytest.raises((IntegrityError, ValidationError)):
        set_objectives(site=alder.site, tariff=tariff)


def test_birch_sees_nothing_of_alders() -> None:
    alder, birch = make_household("Alder"), make_household("Birch")
    tariff = create_tariff(tenant=alder.tenant, name="Flat", import_eur_per_kwh=FLAT, export_eur_per_kwh=FLAT)
    set_objectives(site=alder.site, tariff=tariff)

    with tenant_scope(birch.tenant.pk):
        assert not Tariff.objects.exists()
        assert not SiteObjectives.objects.exists()
