"""The admin's lists and forms: filters, searches, actions on many rows, completion, references to what is another's."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.options import ModelAdmin
from django.db.models import ForeignKey
from django.test import Client, RequestFactory
from django.urls import reverse

from flexhub.bus.memory import MemoryWorkerBus
from tests.isolation.answers import Words, ask, assert_hides, assert_same, both
from tests.isolation.cast import READABLE, Cast, Person, ghost_of

Clients = list[tuple[Person, Client]]
PAGES = sorted(admin.site._registry.values(), key=lambda page: page.model._meta.label)
HIDDEN_PAGES = [page for page in PAGES if page.model._meta.label not in READABLE]


def _label(page: ModelAdmin[Any]) -> str:
    return str(page.model._meta.label)


def _url(page: ModelAdmin[Any], kind: str) -> str:
    return reverse(f"admin:{page.model._meta.app_label}_{page.model._meta.model_name}_{kind}")


def _references(page: ModelAdmin[Any], person: Person | None = None) -> Iterator[ForeignKey[Any, Any]]:
    """The foreign keys of a model that lead to what is to be hidden, from this person."""
    for field in page.model._meta.concrete_fields:
        if not isinstance(field, ForeignKey):
            continue
        label = field.related_model._meta.label
        if label not in READABLE and (person is None or not person.may_know(label)):
            yield field


def _forms(cast: Cast, page: ModelAdmin[Any], person: Person, suffix: str = "") -> tuple[Words, Words]:
    """All references of a row at once, to what is another's and to what is not there."""
    rows = {f"{field.name}{suffix}": cast.row(field.related_model._meta.label) for field in _references(page, person)}
    return (
        {name: str(row.pk) for name, row in rows.items()},
        {name: str(ghost_of(row)) for name, row in rows.items()},
    )


@pytest.mark.parametrize("page", PAGES, ids=_label)
def test_a_search_finds_nothing_of_others(cast: Cast, clients: Clients, page: ModelAdmin[Any]) -> None:
    for person, client in clients:
        hidden, absent = both(partial(client.get, _url(page, "changelist")), {"q": "Smith"}, {"q": "Stone"})
        assert_same(hidden, absent, f"a search of {person.name} in {_label(page)}")


@pytest.mark.parametrize("page", PAGES, ids=_label)
def test_a_filter_finds_nothing_of_others(cast: Cast, clients: Clients, page: ModelAdmin[Any]) -> None:
    for person, client in clients:
        question = partial(client.get, _url(page, "changelist"))
        hidden, absent = both(question, *_forms(cast, page, person, "__id__exact"))
        assert_same(hidden, absent, f"a filter of {_label(page)}, for {person.name}")
        assert_hides(cast, person, hidden, f"a filter of {_label(page)}")


@pytest.mark.parametrize("page", HIDDEN_PAGES, ids=_label)
def test_an_action_on_many_rows_does_nothing_to_those_of_others(
    cast: Cast, clients: Clients, page: ModelAdmin[Any]
) -> None:
    row = cast.row(_label(page))
    for person, client in clients:
        request = RequestFactory().get("/")
        request.user = person.user
        for action in () if person.may_know(_label(page)) else page.get_actions(request):
            form = {"action": action, "post": "yes"}
            hidden, absent = both(
                partial(_act, client, _url(page, "changelist"), form),
                {"_selected_action": str(row.pk)},
                {"_selected_action": str(ghost_of(row))},
            )
            assert_same(hidden, absent, f"{action} of {_label(page)}, for {person.name}")
            assert_hides(cast, person, hidden, f"{action} of {_label(page)}")


def _act(client: Client, url: str, form: Words, chosen: Words) -> Any:
    return client.post(url, {**form, **chosen})


@pytest.mark.parametrize("page", HIDDEN_PAGES, ids=_label)
def test_no_row_can_be_made_to_refer_to_what_is_anothers(cast: Cast, clients: Clients, page: ModelAdmin[Any]) -> None:
    own = next(row for model, row in cast.own.items() if model is page.model)
    for person, client in clients:
        for url in (_url(page, "add"), f"{_url(page, 'changelist')}{own.pk}/change/"):
            hidden, absent = both(partial(client.post, url), *_forms(cast, page, person))
            assert_same(hidden, absent, f"a POST to {url} by {person.name}")
            assert_hides(cast, person, hidden, f"a POST to {url}")


def test_no_field_offers_what_is_anothers_for_completion(cast: Cast, clients: Clients) -> None:
    url = reverse("admin:autocomplete")
    # One for each model: what may be seen is asked of the page of that model.
    fields = {
        field.related_model: {
            "app_label": page.model._meta.app_label,
            "model_name": page.model._meta.model_name,
            "field_name": field.name,
        }
        for page in PAGES
        for field in _references(page)
    }
    assert fields
    for person, client in clients:
        for field in fields.values():
            question = partial(_complete, client, url, field)
            hidden, absent = both(question, {"term": "Smith"}, {"term": "Stone"})
            if not (person.is_neighbour and field["field_name"] == "tariff"):
                assert_same(hidden, absent, f"completion of {field} for {person.name}")


def _complete(client: Client, url: str, field: Words, typed: Words) -> Any:
    return client.get(url, {**field, **typed})


def test_the_page_of_sessions_shows_none_of_others(cast: Cast, clients: Clients, bus: MemoryWorkerBus) -> None:
    assert [seat.info.name for seat in bus.sessions()] == ["Smith battery"]
    for person, client in clients:
        for query in ({}, {"q": "battery"}):
            assert_hides(cast, person, ask(partial(client.get, "/admin/sessions/", query)), "the page of sessions")
