from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cem_service.loading import load_site
from flexhub.bus import BusUnavailable, MeterReading, TelemetryRow
from flexhub.bus.memory import MemoryWorkerBus
from flexhub.devices.models import Site
from flexhub.site_api import views
from tenants.scope import tenant_scope
from tests.flexhub.site_api.conftest import Caller
from tests.support.programs import make_program
from tests.support.registry import audited, make_site, make_tenant

NOW = datetime(2026, 4, 21, 10, tzinfo=UTC)


def _at(**before: float) -> str:
    return (NOW - timedelta(**before)).isoformat()


def _report(caller: Caller, *readings: dict[str, Any]) -> Any:
    return caller.about("post", "readings", {"readings": list(readings)})


def _stored(caller: Caller) -> tuple[TelemetryRow, ...]:
    return caller.world.bus.take_telemetry(10).rows


def test_lists_the_tenants_own_sites_page_by_page(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "SITES_A_PAGE", 1)
    tenant, site = caller.world.household.tenant, caller.world.household.site
    second = make_site(tenant, "Alder shed")
    make_site(make_tenant("Birch"), "Birch house")

    first_page = caller.ask("get", "").json()
    second_page = caller.ask("get", f"?after={first_page['next']}").json()

    assert first_page["sites"] == [{"id": str(site.pk), "name": "Alder house", "timezone": "Europe/Amsterdam"}]
    assert [one["id"] for one in second_page["sites"]] == [str(second.pk)]
    assert second_page["next"] is None


def test_a_reading_counts_at_once_and_is_history_too(caller: Caller) -> None:
    response = _report(caller, {"at": _at(minutes=1), "power_w": 900}, {"at": _at(), "power_w": 1200.5})

    assert response.status_code == 202
    assert response.json() == {"taken": 2, "latest_at": "2026-04-21T10:00:00Z"}
    site = caller.world.household.site
    assert caller.world.bus.meter(site.pk) == MeterReading(NOW, 1200.5)
    loaded = load_site(*caller.world.ids, bus=caller.world.bus, now=NOW)
    assert loaded is not None
    assert (loaded.state.main_meter_w, loaded.state.main_meter_is_recent) == (1200.5, True)
    assert [(row.link_id, row.quantity, row.value) for row in _stored(caller)] == [
        (site.pk, "ELECTRIC.POWER.3_PHASE_SYMMETRIC", 900.0),
        (site.pk, "ELECTRIC.POWER.3_PHASE_SYMMETRIC", 1200.5),
    ]
    assert caller.world.sent.reactions == [(*caller.world.ids, 0.0)]


def test_phases_are_told_apart(caller: Caller) -> None:
    _report(caller, {"at": _at(), "phases_w": [2000, -300, 10.5]})

    assert caller.world.bus.meter(caller.world.household.site.pk) == MeterReading(NOW, 1710.5, (2000.0, -300.0, 10.5))
    assert [(row.quantity, row.value) for row in _stored(caller)] == [
        ("ELECTRIC.POWER.L1", 2000.0),
        ("ELECTRIC.POWER.L2", -300.0),
        ("ELECTRIC.POWER.L3", 10.5),
    ]


def test_one_that_comes_late_is_history_and_wakes_nobody(caller: Caller) -> None:
    _report(caller, {"at": _at(), "power_w": 1000})
    caller.world.bus.end_wake(caller.world.household.site.pk)
    caller.world.sent.reactions.clear()

    response = _report(caller, {"at": _at(days=2), "power_w": 50})

    assert response.status_code == 202
    assert caller.world.bus.meter(caller.world.household.site.pk) == MeterReading(NOW, 1000.0)
    assert [row.value for row in _stored(caller)] == [1000.0, 50.0]
    assert caller.world.sent.reactions == []


@pytest.mark.parametrize(
    ("readings", "field", "detail"),
    [
        ([{"at": _at()}], "readings[0]", "Give either power_w, or phases_w with three values."),
        ([{"at": _at(), "power_w": 1, "phases_w": [1, 0, 0]}], "readings[0]", "Give either power_w, or phases_w"),
        ([{"at": _at(), "phases_w": [1, 2]}], "readings[0].phases_w", "Ensure this field has at least 3 elements."),
        ([{"at": _at(), "phases_w": [1, 2, "3"]}], "readings[0].phases_w[2]", "A valid number is required."),
        ([{"at": _at(), "power_w": True}], "readings[0].power_w", "A valid number is required."),
        ([{"at": _at(), "power_w": 10**400}], "readings[0].power_w", "Integer value too large"),
        (
            [{"at": _at(), "power_w": 1e9}],
            "readings[0].power_w",
            "Ensure this value is less than or equal to 100000000.",
        ),
        (
            [{"at": _at(), "power_w": 1}, {"at": _at(minutes=-2), "power_w": 1}],
            "readings[1].at",
            "lies in the future: the hub's clock shows 2026-04-21T10:00:00Z",
        ),
        ([{"at": _at(days=8), "power_w": 1}], "readings[0].at", "is more than 7 days ago"),
        ([{"at": _at(), "power_w": 1}] * 2, "readings", "has two readings of one moment"),
        (
            [{"at": _at(), "power_w": 1}, {"at": _at(hours=1), "phases_w": [1, 2, 3]}],
            "readings",
            "has readings with phases and without",
        ),
        ([], "readings", "Ensure this field has at least 1 elements."),
        ([{"at": _at(), "power_w": 1}] * 61, "readings", "Ensure this field has no more than 60 elements."),
        ([7], "readings[0]", "Invalid data. Expected a dictionary"),
    ],
)
def test_names_what_is_wrong_and_takes_nothing(
    caller: Caller, readings: list[dict[str, Any]], field: str, detail: str
) -> None:
    response = _report(caller, *readings)

    assert response.status_code == 400
    assert [one["field"] for one in response.json()["errors"]] == [field]
    assert detail in response.json()["detail"]
    assert _stored(caller) == ()
    assert caller.world.bus.meter(caller.world.household.site.pk) is None


@pytest.mark.parametrize(
    ("body", "status"),
    [("[]", 400), ("{}", 400), ("{", 400), ('{"readings": NaN}', 400), ("[" * 100_000, 400), (None, 415)],
)
def test_another_body_is_refused(caller: Caller, body: str | None, status: int) -> None:
    assert caller.about("post", "readings", body).status_code == status


def test_a_meter_that_is_a_device_is_believed(caller: Caller) -> None:
    site = caller.world.household.site
    with tenant_scope(site.tenant_id):
        Site.objects.filter(pk=site.pk).update(main_meter=caller.world.household.rm_node)

    response = _report(caller, {"at": _at(), "power_w": 1})

    assert response.status_code == 409
    assert "is a device of its own" in response.json()["detail"]
    assert _stored(caller) == ()


@pytest.mark.parametrize("full", [True, False])
def test_says_when_to_come_back_while_nothing_can_be_taken(
    caller: Caller, full: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def report(*_: object) -> bool:
        if full:
            return False
        raise BusUnavailable

    monkeypatch.setattr(MemoryWorkerBus, "report_meter", report)

    response = _report(caller, {"at": _at(), "power_w": 1})

    assert response.status_code == 503
    assert response["Retry-After"] == "5"
    assert audited("cem.readings.reported") == []


def test_the_trail_names_each_program_once_a_day(caller: Caller) -> None:
    other = make_program(caller.world.household.tenant, "meters").access_token()
    body = {"readings": [{"at": _at(), "power_w": 1}]}

    for token in (caller.token, other, caller.token):
        assert caller.about("post", "readings", body, token).status_code == 202

    assert [row["actor_name"] for row in audited("cem.readings.reported")] == ["trading desk", "meters"]


def test_a_foreign_site_looks_like_none_at_all(caller: Caller) -> None:
    birch = make_program(make_tenant("Birch")).access_token()
    body = {"readings": [{"at": _at(), "power_w": 1}]}

    answers = [
        caller.about("post", "readings", body, birch),
        caller.about("post", "readings", {}, birch),
        caller.ask("post", "00000000-0000-4000-8000-00000000dead/readings", body),
    ]

    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1


def test_who_reports_readings_learns_nothing_by_it(caller: Caller) -> None:
    token = caller.program.access_token("readings:write")

    assert caller.ask("get", "", token=token).status_code == 403
    assert caller.about("get", "limits", token=token).status_code == 403
