from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from cem_service.planners.scores import LEAST_DAYS
from flexhub.clock import Clock
from tenants.models import Tenant
from tests.support.decisions import AT, make_plan_run
from tests.support.forecasts import judged, learned, planned_from
from tests.support.registry import Household, audited, make_household, make_member, make_operator, make_tenant

pytestmark = pytest.mark.django_db
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def alder(settings: Any) -> Household:
    settings.CLOCK = Clock(AT + timedelta(minutes=30), 0.0, 1.0, real_time=lambda: 0.0)
    return make_household("Alder")


def _url(household: Household) -> str:
    return f"/admin/sites/{household.site.pk}/forecasts/"


def test_says_what_the_last_plan_used_how_old_it_was_and_how_good(client: Client, alder: Household) -> None:
    planned_from(alder, "weather")
    judged(alder, "weather", 0.18)
    judged(alder, "persistence", 0.42)
    learned(alder, trusted=["weather"])
    client.force_login(make_member(alder.tenant))

    text = " ".join(client.get(_url(alder)).content.decode().split())

    assert "Forecast by what was measured so far. That has not been judged yet." in text
    assert "Forecast by the weather, 30 min old. Off by 18% of the mean power on average (days judged: 3);" in text
    assert "the day before repeated would have been off by 42%." in text
    assert text.index("<td>The weather</td> <td>18 %</td> <td>9 %</td> <td>3</td>") < text.index(
        "<td>The day before repeated</td> <td>42 %</td> <td>21 %</td> <td>3</td>"
    )


def test_says_on_how_many_days_a_source_has_to_be_better(client: Client, alder: Household) -> None:
    planned_from(alder, "weather")
    judged(alder, "weather", 0.18)
    client.force_login(make_member(alder.tenant))

    text = " ".join(client.get(_url(alder)).content.decode().split())

    assert LEAST_DAYS == 3
    assert "better than the day before repeated over the past week, on three days at least and in both figures." in text
    assert "<th></th>" not in text


def test_speaks_the_language_of_the_reader(client: Client, alder: Household) -> None:
    planned_from(alder, "persistence")
    judged(alder, "persistence", 0.42)
    client.force_login(make_member(alder.tenant))

    text = client.get(_url(alder), headers={"accept-language": "nl"}).content.decode()

    assert "Voorspeld uit een herhaling van de dag ervoor, 30 min oud." in text
    assert "Gemiddeld 42% van het gemiddelde vermogen ernaast (beoordeelde dagen: 3)." in text


def test_a_site_that_was_never_planned_for_has_none(client: Client, alder: Household) -> None:
    client.force_login(make_member(alder.tenant))

    text = client.get(_url(alder)).content.decode()

    assert "There is no plan yet." in text
    assert "Nothing has been forecast here yet." in text


def test_what_was_learned_is_shown_before_a_plan_uses_it(client: Client, alder: Household) -> None:
    make_plan_run(alder)
    judged(alder, "usual_day", 0.2, days=1)
    learned(alder)
    client.force_login(make_member(alder.tenant))

    text = client.get(_url(alder)).content.decode()

    assert "Alder battery" in text
    assert "The last plan did not forecast it." in text
    assert "The usual day" in text


def test_a_device_cannot_put_anything_into_the_page(client: Client, alder: Household) -> None:
    planned_from(alder, "device", name=HOSTILE)
    client.force_login(make_member(alder.tenant))

    assert HOSTILE not in client.get(_url(alder)).content.decode()


def test_the_owner_can_see_that_an_operator_looked(client: Client, alder: Household) -> None:
    client.force_login(make_operator())

    assert client.get(_url(alder)).status_code == 200
    assert [row["object_id"] for row in audited("portal.forecasts.viewed")] == [str(alder.site.pk)]


def test_others_see_nothing(client: Client, alder: Household) -> None:
    client.force_login(make_member(make_tenant("Birch")))
    assert client.get(_url(alder)).status_code == 404

    client.force_login(make_member(make_tenant("Volta", Tenant.Kind.MANUFACTURER)))
    assert client.get(_url(alder)).status_code == 403
