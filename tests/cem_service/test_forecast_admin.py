from __future__ import annotations

import pytest
from django.test import Client

from cem_service.models import ForecastScore
from tenants.scope import tenant_scope
from tests.support.privacy import AT, make_learned
from tests.support.registry import make_customer, make_household, make_member, make_resident, make_site

pytestmark = pytest.mark.django_db
SCORES = "/admin/cem_service/forecastscore/"


def test_a_provider_sees_how_good_forecasts_are(client: Client) -> None:
    alder = make_household("Alder")
    make_learned(alder.site, alder.link)
    with tenant_scope(alder.tenant.pk):
        base = ForecastScore(tenant=alder.tenant, site=alder.site, source="usual_day", start=AT)
        base.steps, base.mean_w, base.nmae, base.pinball = 90, 500.0, 0.42, 0.18
        base.save()
    client.force_login(make_member(alder.tenant))

    page = client.get(SCORES).content.decode()

    for words in ("Alder battery", "the day before repeated", "25%", "Base load", "the usual day", "42%", "18%"):
        assert words in page
    assert "Base load" not in client.get(SCORES, {"source__exact": "persistence"}).content.decode()
    assert client.get(f"{SCORES}add/").status_code == 403


def test_a_resident_sees_those_of_their_own_home(client: Client) -> None:
    alder = make_household("Alder")
    make_learned(alder.site, alder.link)
    smiths = make_customer(alder.tenant, "Smiths")
    make_site(alder.tenant, "Smith house", household=smiths)
    client.force_login(make_resident(smiths, "sam"))

    response = client.get(SCORES)

    assert response.status_code == 200
    assert "Alder battery" not in response.content.decode()
