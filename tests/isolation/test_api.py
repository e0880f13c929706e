"""The REST API: every view and method, by programs of Birch Trading and of Birch, by Birch's device and by nobody."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from django.test import Client
from rest_framework.views import APIView

from tests.isolation.answers import Words, ask, assert_hides, assert_same, both
from tests.isolation.cast import Cast, Person, ghost_of
from tests.isolation.urls import Case, Route, routes

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")


def _view(route: Route) -> type | None:
    return getattr(route.callback, "cls", None)


VIEWS = [route for route in routes() if (view := _view(route)) and issubclass(view, APIView)]


def _ask(method: str, route: Route, case: Case, headers: dict[str, str], words: Words) -> Any:
    return Client().generic(method, route.url(words["id"], case), b"{}", "application/json", headers=headers)


def _pattern(route: Route) -> str:
    return route.pattern


@pytest.fixture(params=["trader", "provider", "device", "nobody"])
def headers(request: pytest.FixtureRequest, cast: Cast) -> dict[str, str]:
    tokens = {"trader": cast.api_token, "provider": cast.site_token, "device": cast.node_token, "nobody": ""}
    token = tokens[request.param]
    return {"authorization": f"Bearer {token}"} if token else {}


def _stranger(cast: Cast) -> Person:
    return cast.people[0]


@pytest.mark.parametrize("route", [route for route in VIEWS if route.parameters], ids=_pattern)
def test_what_is_anothers_is_as_if_it_were_not_there(cast: Cast, headers: dict[str, str], route: Route) -> None:
    case = route.case()
    assert case is not None
    assert case.model is not None
    row = cast.row(case.model)
    for method in METHODS:
        hidden, absent = both(
            partial(_ask, method, route, case, headers),
            {"id": str(row.pk)},
            {"id": str(ghost_of(row))},
        )
        assert_same(hidden, absent, f"{method} {route.pattern}")
        assert_hides(cast, _stranger(cast), hidden, f"{method} {route.pattern}")
        # 403: the API has nothing for the programs of such a tenant there.
        assert (
            hidden.status in {200, 401, 403, 404, 405} if method == "OPTIONS" else hidden.status in {401, 403, 404, 405}
        )


@pytest.mark.parametrize("route", [route for route in VIEWS if not route.parameters], ids=_pattern)
def test_no_list_shows_what_is_anothers(cast: Cast, headers: dict[str, str], route: Route) -> None:
    case = route.case()
    assert case is not None
    for method in METHODS:
        answer = ask(partial(Client().generic, method, route.url("", case), b"{}", "application/json", headers=headers))
        assert_hides(cast, _stranger(cast), answer, f"{method} {route.pattern}")


@pytest.mark.parametrize("route", [route for route in VIEWS if route.parameters], ids=_pattern)
def test_there_is_a_program_that_has_the_scope_and_is_told_that_there_is_nothing(cast: Cast, route: Route) -> None:
    case = route.case()
    assert case is not None
    assert case.model is not None
    row = str(cast.row(case.model).pk)
    tokens = (cast.api_token, cast.site_token)

    statuses = {
        _ask(method, route, case, {"authorization": f"Bearer {token}"}, {"id": row}).status_code
        for token in tokens
        for method in METHODS
    }

    assert 404 in statuses


def test_a_providers_program_sees_its_own_sites(cast: Cast) -> None:
    answer = ask(partial(Client().get, "/api/v1/sites/", headers={"authorization": f"Bearer {cast.site_token}"}))

    assert answer.status == 200
    assert "Bauer house" in answer.body


def test_the_program_sees_what_is_its_own(cast: Cast) -> None:
    answer = ask(partial(Client().get, "/api/v1/pools/", headers={"authorization": f"Bearer {cast.api_token}"}))

    assert answer.status == 200
    assert "Birch Trading pool of Bauer" in answer.body
