from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cem_service import services
from cem_service.models import GridLimit
from flexhub.devices.models import Site
from flexhub.site_api import limit_views
from flexhub.site_api.lookup import own_site
from s2.messages import FRBCInstruction
from tenants.models import APIClient
from tenants.scope import platform_scope, tenant_scope
from tests.flexhub.site_api.conftest import Caller
from tests.support.programs import make_program
from tests.support.registry import audited, make_site, make_tenant

LIMIT = "limits/event-1"


def _wish(caller: Caller, **values: Any) -> dict[str, Any]:
    ends_at = (caller.world.clock.now() + timedelta(hours=1)).isoformat()
    return {"ends_at": ends_at, "source": "Grid Ltd", "reason": "A cable is out.", "import_w": 2000} | values


def _rows() -> list[GridLimit]:
    with platform_scope("test"):
        return list(GridLimit.objects.all())


def test_sets_a_limit_that_begins_now(caller: Caller) -> None:
    response = caller.about("put", LIMIT, _wish(caller))

    assert response.status_code == 200
    assert response.json() == {
        "reference": "event-1",
        "state": "in_force",
        "starts_at": "2026-04-21T10:00:00Z",
        "ends_at": "2026-04-21T11:00:00Z",
        "source": "Grid Ltd",
        "reason": "A cable is out.",
        "import_w": 2000,
        "export_w": None,
        "steerable_w": None,
    }
    assert caller.world.sent.reactions == [(*caller.world.ids, 0.0)]
    (row,) = audited("cem.gridlimit.set")
    assert (row["actor_name"], row["via"]) == ("trading desk", "api")


def test_a_limit_at_full_charge_is_obeyed_with_the_next_look(caller: Caller) -> None:
    world = caller.world
    world.pay(import_eur_per_kwh=-0.5, export_eur_per_kwh=-0.6)
    world.connect()
    world.describe(power_w=5000.0, mode="charge", level=1000.0)
    world.run(services.react_to_site, *world.ids)
    world.inbox()

    caller.about("put", LIMIT, _wish(caller, import_w=None, steerable_w=2000))
    world.run(services.react_to_site, *world.ids)

    (told,) = world.inbox()
    assert isinstance(told, FRBCInstruction)
    assert told.operation_mode_factor <= 2000 / 5000


def test_the_same_reference_again_replaces_it(caller: Caller) -> None:
    caller.about("put", LIMIT, _wish(caller))

    response = caller.about("put", LIMIT, _wish(caller, import_w=1000, starts_at="2026-04-21T12:30:00+02:00"))

    assert (response.json()["import_w"], response.json()["state"]) == (1000, "announced")
    (row,) = _rows()
    assert (row.import_w, row.starts_at) == (1000, datetime(2026, 4, 21, 10, 30, tzinfo=UTC))


def test_ends_a_limit_and_wakes_the_site(caller: Caller) -> None:
    caller.about("put", LIMIT, _wish(caller))
    caller.world.bus.end_wake(caller.world.household.site.pk)
    caller.world.sent.reactions.clear()

    answers = [caller.about("delete", LIMIT) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [204, 204]
    assert caller.about("get", LIMIT).json()["state"] == "withdrawn"
    assert caller.about("get", "limits").json() == []
    assert caller.world.sent.reactions == [(*caller.world.ids, 0.0)]
    assert [row["actor_name"] for row in audited("cem.gridlimit.withdrawn")] == ["trading desk"]


def test_lists_what_holds_and_what_is_to_come(caller: Caller) -> None:
    caller.about("put", "limits/later", _wish(caller, starts_at="2026-04-21T10:30:00Z"))
    caller.about("put", "limits/now", _wish(caller))
    caller.about("put", "limits/gone", _wish(caller))
    caller.about("delete", "limits/gone")

    told = caller.about("get", "limits").json()

    assert [(one["reference"], one["state"]) for one in told] == [("now", "in_force"), ("later", "announced")]


@pytest.mark.parametrize(
    ("values", "field", "detail"),
    [
        ({"ends_at": "2026-04-21T09:00:00Z"}, "ends_at", "It ends after it starts."),
        ({"ends_at": "2026-04-21T11:00:00"}, "ends_at", "Say how far it is from UTC, as in 2026-04-21T10:00:00Z."),
        (
            {"ends_at": "2028-04-21T11:00:00Z"},
            "ends_at",
            "It lasts 8784 hours at most; another one",
        ),
        ({"starts_at": "0001-01-01T00:00:00+14:00"}, "starts_at", "Datetime value out of range."),
        ({"import_w": None}, "import_w", "Give this, or one of the other two."),
        ({"import_w": -1}, "import_w", "Ensure this value is greater than or equal to 0."),
        ({"import_w": 1e300}, "import_w", "A valid integer is required."),
        ({"import_w": True}, "import_w", "A valid integer is required."),
        ({"source": "\ud800"}, "source", "Surrogate characters are not allowed: U+D800."),
        ({"reason": ""}, "reason", "This field may not be blank."),
    ],
)
def test_names_what_is_wrong(caller: Caller, values: dict[str, Any], field: str, detail: str) -> None:
    response = caller.about("put", LIMIT, _wish(caller, **values))

    assert response.status_code == 400
    assert field in {one["field"] for one in response.json()["errors"]}
    assert f"{field}: {detail}" in response.json()["detail"]
    assert _rows() == []


@pytest.mark.parametrize("reference", ["event%201", "event%0A", "%00", "event%001", "e" * 65])
def test_a_reference_has_few_characters(caller: Caller, reference: str) -> None:
    response = caller.about("put", f"limits/{reference}", _wish(caller))

    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == "reference"
    assert caller.about("get", f"limits/{reference}").status_code == 404


def test_what_can_be_no_reference_is_not_there(caller: Caller) -> None:
    assert caller.about("get", "limits/event%201").status_code == 404
    assert caller.about("delete", "limits/%00").status_code == 404


def test_a_site_that_is_deleted_meanwhile_is_not_there(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    shed = make_site(caller.world.household.tenant, "Alder shed")

    def found_and_deleted(client: APIClient, site_id: str) -> Site:
        site = own_site(client, site_id)
        with tenant_scope(site.tenant_id):
            Site.objects.filter(pk=site.pk).delete()
        return site

    monkeypatch.setattr(limit_views, "own_site", found_and_deleted)

    response = caller.ask("put", f"{shed.pk}/{LIMIT}", _wish(caller))

    assert (response.status_code, response.json()["detail"]) == (404, "There is no such site.")


@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_a_foreign_site_looks_like_none_at_all(caller: Caller, method: str) -> None:
    caller.about("put", LIMIT, _wish(caller))
    birch = make_program(make_tenant("Birch")).access_token()
    body: dict[str, Any] | None = {} if method == "put" else None

    answers = [
        caller.about(method, LIMIT, body, birch),
        caller.ask(method, f"00000000-0000-4000-8000-00000000dead/{LIMIT}", body),
        caller.ask(method, f"nonsense/{LIMIT}", body),
    ]

    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1


def test_who_may_only_read_sets_and_ends_nothing(caller: Caller) -> None:
    caller.about("put", LIMIT, _wish(caller))
    reader = caller.program.access_token("limits:read")

    answers = [
        caller.about("get", LIMIT, token=reader),
        caller.about("put", LIMIT, _wish(caller), reader),
        caller.about("delete", LIMIT, token=reader),
    ]

    assert [answer.status_code for answer in answers] == [200, 403, 403]
    assert answers[1].json()["missing_scopes"] == ["limits:write"]
