from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from cem_service.models import Instruction, PlanRun, SiteObjectives, Tariff
from cem_service.objectives import create_tariff, set_objectives
from flexhub.devices.models import Site
from tenants.models import Tenant
from tenants.scope import platform_scope, tenant_scope
from tests.support.decisions import make_instruction, make_plan_run
from tests.support.registry import (
    Household,
    audited,
    make_device,
    make_household,
    make_member,
    make_operator,
    make_tenant,
)

pytestmark = pytest.mark.django_db

TARIFFS, OBJECTIVES, RUNS, INSTRUCTIONS = (
    f"/admin/cem_service/{name}/" for name in ("tariff", "siteobjectives", "planrun", "instruction")
)
DAY = [0.25] * 24
# The rest of the form of a site's objectives, as it is first shown.
NO_WISHES = {
    "pursued": ["carbon"],
    "contracted_import_eur_per_kwh": "0",
    "peak_eur_per_kw": "0",
    "carbon_eur_per_kg": "0",
    "self_consumption_eur_per_kwh": "0",
    "reserve_percent": "0",
}
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def alder() -> Household:
    return make_household("Alder")


def page(client: Client, url: str, **query: Any) -> str:
    response = client.get(url, query)
    assert response.status_code == 200, response.status_code
    return response.content.decode()


def test_an_instruction_is_listed_with_its_answer(client: Client, alder: Household) -> None:
    make_instruction(alder)
    client.force_login(make_member(alder.tenant))

    text = page(client, INSTRUCTIONS)

    shown = ("2026-04-21<br>09:58:30", "succeeded", "OK", "Alder battery", "Alder house", "FRBC.Instruction")
    for value in (*shown, "self consumption", "2,345 W", "The battery takes what the roof gives."):
        assert value in text
    assert "refused-mark" not in text


@pytest.mark.parametrize(
    ("values", "trouble"),
    [
        ({"status": "REJECTED"}, "refused"),
        ({"status": "ABORTED"}, "refused"),
        ({"status": "REFUSED", "reception": ""}, "refused"),
        ({"status": "ISSUED", "reception": "INVALID_CONTENT"}, "refused"),
        ({"status": "UNDELIVERED", "reception": ""}, "not delivered"),
    ],
)
def test_an_instruction_without_effect_stands_out(
    client: Client, alder: Household, values: dict[str, str], trouble: str
) -> None:
    make_instruction(alder, **values)
    client.force_login(make_member(alder.tenant))

    text = page(client, INSTRUCTIONS)

    assert f'class="refused-mark" title="{trouble}"' in text
    assert "bg-red-100" in text
    assert "cem_service/admin.css" in text


def test_the_list_can_be_narrowed_down(client: Client, alder: Household) -> None:
    kept = make_instruction(alder, status="REJECTED", objective="fuse", reason="kept")
    make_instruction(alder, reason="dropped")
    client.force_login(make_member(alder.tenant))

    for query in (
        {"refused": "yes"},
        {"objective": "fuse"},
        {"status__exact": "REJECTED"},
        {"site__id__exact": str(alder.site.pk), "refused": "yes"},
        {"q": "kept"},
    ):
        text = page(client, INSTRUCTIONS, **query)
        assert (str(kept.pk) in text, "dropped" in text) == (True, False), query


def test_lists_take_as_many_queries_for_many_rows_as_for_one(client: Client, alder: Household) -> None:
    def queries(url: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            page(client, url)
        return len(captured)

    client.force_login(make_operator())
    make_instruction(alder, plan_run=make_plan_run(alder))
    # An operator's first look at each page leaves a row in the tenant's trail, which the next ones do not.
    few = [(queries(url), queries(url))[1] for url in (INSTRUCTIONS, RUNS)]

    for number in range(10):
        other = replace_device(alder, f"Battery {number}")
        make_instruction(other, plan_run=make_plan_run(alder))

    assert [queries(url) for url in (INSTRUCTIONS, RUNS)] == few


def test_the_page_of_an_instruction_shows_message_and_findings(client: Client, alder: Household) -> None:
    finding = {"rule": "R-54", "text": f"a timer blocks {HOSTILE}", "path": "$.execution_time", "severity": "error"}
    run = make_plan_run(alder)
    instruction = make_instruction(alder, plan_run=run, status="REFUSED", findings=[finding, finding])
    client.force_login(make_member(alder.tenant))

    text = page(client, f"{INSTRUCTIONS}{instruction.pk}/change/")

    assert text.count("<strong>R-54</strong>") == 1
    assert "$.execution_time" in text
    assert "&quot;message_id&quot;: &quot;m-1&quot;" in text
    assert f"{RUNS}{run.pk}/change/" in text
    assert f"/admin/links/{alder.link.pk}/conversation/" in text
    assert HOSTILE not in text


def test_a_plan_run_is_listed_with_its_first_reason_and_its_instructions(client: Client, alder: Household) -> None:
    run = make_plan_run(alder)
    for _ in range(2):
        make_instruction(alder, plan_run=run)
    client.force_login(make_member(alder.tenant))

    text = page(client, RUNS)

    for value in ("Expected cost of the next day: 1.25 EUR. …", "Alder house", "12.5 ms", "2026-04-21 09:58:30 UTC"):
        assert value in text
    assert "The battery charges" not in text
    assert 'data-label="instructions">2<' in text


def test_the_page_of_a_plan_run_shows_reasons_drawing_and_instructions(client: Client, alder: Household) -> None:
    run = make_plan_run(alder, summary=f"One.\nTwo {HOSTILE}.")
    make_instruction(alder, plan_run=run, status="REJECTED", reason=HOSTILE)
    client.force_login(make_member(alder.tenant))

    text = page(client, f"{RUNS}{run.pk}/change/")

    assert "<li>One.</li>" in text
    assert '<svg class="plan-chart"' in text
    assert "1,234 W" in text
    assert 'class="refused-mark" title="refused"' in text
    assert 'aria-hidden="true">block<' in text
    assert HOSTILE not in text


def test_a_reaction_has_a_page_without_a_drawing(client: Client, alder: Household) -> None:
    run = make_plan_run(alder, kind="REACTION", plan=None)
    client.force_login(make_member(alder.tenant))

    assert "plan-chart" not in page(client, f"{RUNS}{run.pk}/change/")


@pytest.mark.parametrize("operator", [False, True])
def test_what_was_decided_stays_as_it_is(client: Client, alder: Household, operator: bool) -> None:
    run = make_plan_run(alder)
    instruction = make_instruction(alder, plan_run=run)
    client.force_login(make_operator() if operator else make_member(alder.tenant))

    for url, row in ((RUNS, run), (INSTRUCTIONS, instruction)):
        assert client.get(f"{url}add/").status_code == 403
        assert client.post(f"{url}{row.pk}/change/", {"summary": "x"}).status_code == 403
        assert client.post(f"{url}{row.pk}/delete/", {"post": "yes"}).status_code == 403

    with platform_scope("test"):
        assert (PlanRun.objects.get().summary, Instruction.objects.get().status) == (run.summary, "SUCCEEDED")


def test_a_site_is_deleted_with_what_was_decided_for_it(client: Client, alder: Household) -> None:
    make_instruction(alder, plan_run=make_plan_run(alder))
    client.force_login(make_member(alder.tenant))

    assert client.post(f"/admin/devices/site/{alder.site.pk}/delete/", {"post": "yes"}).status_code == 302

    with platform_scope("test"):
        assert not Site.objects.filter(pk=alder.site.pk).exists()
        assert not Instruction.objects.exists()


def test_birch_sees_nothing_of_alders(client: Client, alder: Household) -> None:
    run = make_plan_run(alder)
    instruction = make_instruction(alder, plan_run=run)
    client.force_login(make_member(make_tenant("Birch")))

    for url, row in ((RUNS, run), (INSTRUCTIONS, instruction)):
        assert "Alder" not in page(client, url)
        assert client.get(f"{url}{row.pk}/change/").status_code == 404


@pytest.mark.parametrize("kind", [Tenant.Kind.MANUFACTURER, Tenant.Kind.AGGREGATOR])
def test_others_see_no_decisions(client: Client, kind: Tenant.Kind) -> None:
    client.force_login(make_member(make_tenant("Volta", kind)))

    for url in (TARIFFS, OBJECTIVES, RUNS, INSTRUCTIONS):
        assert client.get(url).status_code == 403


def test_a_provider_adds_a_tariff(client: Client, alder: Household) -> None:
    client.force_login(make_member(alder.tenant))
    prices = json.dumps(DAY)
    form = {"name": "Flat", "import_eur_per_kwh": prices, "export_eur_per_kwh": prices}

    assert client.post(f"{TARIFFS}add/", form).status_code == 302
    assert "0.250" in page(client, TARIFFS)

    with tenant_scope(alder.tenant.pk):
        assert Tariff.objects.get().tenant == alder.tenant


@pytest.mark.parametrize("empty", ["", "null", "[]", "{}", '""'])
def test_a_weekend_without_prices_is_as_other_days(client: Client, alder: Household, empty: str) -> None:
    client.force_login(make_member(alder.tenant))
    weekend = dict.fromkeys(("weekend_import_eur_per_kwh", "weekend_export_eur_per_kwh"), empty)
    prices = json.dumps(DAY)

    form = {"name": "Flat", "import_eur_per_kwh": prices, "export_eur_per_kwh": prices, **weekend}
    assert client.post(f"{TARIFFS}add/", form).status_code == 302

    with tenant_scope(alder.tenant.pk):
        tariff = Tariff.objects.get()
    assert (tariff.weekend_import_eur_per_kwh, tariff.weekend_export_eur_per_kwh) == (None, None)


@pytest.mark.parametrize("prices", ["[0.25]", '"cheap"', "[", json.dumps(["x"] * 24)])
def test_a_bad_tariff_gets_an_answer_on_the_form(client: Client, alder: Household, prices: str) -> None:
    client.force_login(make_member(alder.tenant))
    form = {"name": "Flat", "import_eur_per_kwh": prices, "export_eur_per_kwh": json.dumps(DAY)}

    response = client.post(f"{TARIFFS}add/", form)

    assert "import_eur_per_kwh" in response.context["adminform"].form.errors


def test_a_site_gets_objectives_and_then_others(client: Client, alder: Household) -> None:
    first, second = (
        create_tariff(tenant=alder.tenant, name=name, import_eur_per_kwh=DAY, export_eur_per_kwh=DAY)
        for name in ("First", "Second")
    )
    client.force_login(make_member(alder.tenant, "ann"))

    added = client.post(f"{OBJECTIVES}add/", {"site": str(alder.site.pk), "tariff": str(first.pk), **NO_WISHES})
    again = client.post(f"{OBJECTIVES}add/", {"site": str(alder.site.pk), "tariff": str(second.pk), **NO_WISHES})
    changed = client.post(f"{OBJECTIVES}{alder.site.pk}/change/", {"tariff": str(second.pk), **NO_WISHES})

    assert (added.status_code, again.status_code, changed.status_code) == (302, 200, 302)
    with tenant_scope(alder.tenant.pk):
        assert SiteObjectives.objects.get().tariff == second
    assert [entry["actor_name"] for entry in audited("cem.objectives.set")] == ["ann", "ann"]


def test_an_operator_cannot_give_a_site_anothers_tariff(client: Client, alder: Household) -> None:
    birch = make_tenant("Birch")
    tariff = create_tariff(tenant=birch, name="Birch's", import_eur_per_kwh=DAY, export_eur_per_kwh=DAY)
    client.force_login(make_operator())

    response = client.post(f"{OBJECTIVES}add/", {"site": str(alder.site.pk), "tariff": str(tariff.pk), **NO_WISHES})

    assert response.context["errors"] == [["The tariff and the site belong to different tenants."]]


def test_an_operator_is_offered_what_a_site_can_follow(client: Client, alder: Household) -> None:
    """Of its own tenant once it is known, and until then with whose it is: tariffs of two tenants may have one name."""
    own, _ = (
        create_tariff(tenant=tenant, name="Flat", import_eur_per_kwh=DAY, export_eur_per_kwh=DAY)
        for tenant in (alder.tenant, make_tenant("Birch"))
    )
    client.force_login(make_operator())

    before = _tariffs_offered(client, f"{OBJECTIVES}add/")
    set_objectives(site=alder.site, tariff=own)
    after = _tariffs_offered(client, f"{OBJECTIVES}{alder.site.pk}/change/")

    assert (sorted(before), after) == (["Flat (Alder)", "Flat (Birch)"], ["Flat"])


def _tariffs_offered(client: Client, url: str) -> list[str]:
    choices = re.search(r'<select name="tariff".*?</select>', page(client, url), re.DOTALL)
    assert choices is not None
    return re.findall(r'<option value="[^"]+"[^>]*>([^<]+)<', choices[0])


def test_a_tariff_in_use_says_so_instead_of_going(client: Client, alder: Household) -> None:
    tariff = create_tariff(tenant=alder.tenant, name="Flat", import_eur_per_kwh=DAY, export_eur_per_kwh=DAY)
    set_objectives(site=alder.site, tariff=tariff)
    client.force_login(make_member(alder.tenant))

    response = client.post(f"{TARIFFS}{tariff.pk}/delete/", {"post": "yes"})

    assert "objectives of Alder house" in response.content.decode()
    with tenant_scope(alder.tenant.pk):
        assert Tariff.objects.exists()


def test_the_names_in_a_list_cannot_break_out(client: Client, alder: Household) -> None:
    hostile = replace_device(alder, HOSTILE)
    run = make_plan_run(hostile, summary=HOSTILE)
    make_instruction(hostile, reason=HOSTILE, reception=HOSTILE[:24], plan_run=run)
    client.force_login(make_member(alder.tenant))

    for url in (RUNS, INSTRUCTIONS):
        assert HOSTILE not in page(client, url)
        assert "&lt;script&gt;alert(1)" in page(client, url)


def replace_device(household: Household, name: str) -> Household:
    """The same household with another device in it."""
    device = make_device(household.site, household.device.device_type, name=name)
    with tenant_scope(household.tenant.pk):
        return replace(household, device=device, rm_node=device.node, link=device.node.rm_link)
