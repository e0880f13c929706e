"""Every URL: what is another's is answered as what is not there, and no page shows any of it."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from django.contrib.contenttypes.models import ContentType
from django.test import Client

from flexhub.bus.memory import MemoryWorkerBus
from tests.isolation.answers import Words, ask, assert_hides, assert_same, both
from tests.isolation.cast import READABLE, Cast, Person, ghost_of
from tests.isolation.urls import NOT_ASKED, Route, routes

ALL = [route for route in routes() if route.pattern not in NOT_ASKED]
WITH_IDS = [
    route
    for route in ALL
    if route.parameters and (case := route.case()) and case.model is not None and case.model not in READABLE
]
WITHOUT_IDS = [route for route in ALL if route not in WITH_IDS]


def _pattern(route: Route) -> str:
    return route.pattern


def test_somebody_has_thought_of_each() -> None:
    new = [route.pattern for route in ALL if route.case() is None]

    assert not new, (
        f"{new} are new: give each a line in CASES of tests/isolation/urls.py, with the model whose id stands in it or"
        " in its fields, so that another tenant's people can try it"
    )


@pytest.mark.parametrize("route", WITH_IDS, ids=_pattern)
def test_what_is_anothers_is_as_if_it_were_not_there(
    cast: Cast, clients: list[tuple[Person, Client]], bus: MemoryWorkerBus, route: Route
) -> None:
    case = route.case()
    assert case is not None
    assert case.model is not None
    for person, client in clients[:1] if route.only_leads_on else clients:
        for method in ("GET", "POST") if route.writes else ("GET",):
            if not person.may_know(case.model):
                _ask_for_both(cast, person, client, route, method)


@pytest.mark.parametrize("route", WITHOUT_IDS, ids=_pattern)
def test_no_page_shows_what_is_anothers(
    cast: Cast, clients: list[tuple[Person, Client]], bus: MemoryWorkerBus, route: Route
) -> None:
    case = route.case()
    assert case is not None
    url = route.url("devices", case)
    for person, client in clients:
        answer = ask(partial(client.get, url))
        assert_hides(cast, person, answer, url)
        if case.model is not None and not person.may_know(case.model):
            _write_both(cast, person, client, url, case.model, case.fields)


def test_the_answer_is_the_one_for_what_there_is_not(cast: Cast, clients: list[tuple[Person, Client]]) -> None:
    """Where a person may use a page at all, the answer is 404 and not one that refuses."""
    person, client = clients[0]
    site = cast.row("devices.Site")

    assert client.get(f"/admin/devices/site/{site.pk}/change/").status_code == 404
    assert client.get(f"/admin/links/{cast.row('devices.Link').pk}/conversation/").status_code == 404
    own = next(row for model, row in cast.own.items() if model._meta.label == "devices.Site")
    assert client.get(f"/admin/devices/site/{own.pk}/change/").status_code == 200
    assert person.name == "admin of Birch"


def _ask_for_both(cast: Cast, person: Person, client: Client, route: Route, method: str) -> None:
    case = route.case()
    assert case is not None
    assert case.model is not None
    row = cast.row(case.model)
    content_type = ContentType.objects.get_for_model(type(row)).pk

    def question(words: Words) -> Any:
        url = route.url(words["id"], case, content_type)
        return client.generic(method, url, b"post=yes", "application/x-www-form-urlencoded")

    what = f"{method} {route.pattern}"
    hidden, absent = both(question, {"id": str(row.pk)}, {"id": str(ghost_of(row))})
    assert_same(hidden, absent, what)
    assert_hides(cast, person, hidden, what)


def _write_both(cast: Cast, person: Person, client: Client, url: str, label: str, fields: tuple[str, ...]) -> None:
    row = cast.row(label)
    forms = (dict.fromkeys(fields, str(key)) for key in (row.pk, ghost_of(row)))
    hidden, absent = both(partial(client.post, url), *forms)
    assert_same(hidden, absent, f"POST {url}")
    assert_hides(cast, person, hidden, f"POST {url}")
