"""Asks the same question about what is another's and about what is not there, and compares the answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest
from typing import Any

from django.db import connection, transaction
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext

from tests.isolation.cast import Cast, Person

# What differs from one rendering of a page to the next.
_RANDOM = re.compile(r'(csrfmiddlewaretoken" value="|csrfToken": "|X-CSRFToken&quot;: &quot;|nonce[=-]["\']?)[\w+/=-]+')
# The id of a request's trace, and others that are made up each time.
_MADE_UP = re.compile(r"[0-9a-f]{16,}")
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# What differs from one run of a query to the next; what is left is its shape.
VALUES = re.compile(r"'(?:[^']|'')*'|\b\d+\b|\bs\d+_x\d+\b|\b_django_curs_\w+")


# What is sent, by the name of its field.
Words = Mapping[str, str]


# What two answers in a row may differ in, whatever they are about: the length of words, the time, the calls so far.
_OF_THE_MOMENT = {"Content-Length", "Expires", "RateLimit"}


@dataclass(frozen=True, slots=True)
class Answer:
    """`queries` are the statements in order, without the values in them: as many of the same take as long."""

    status: int
    body: str
    headers: Mapping[str, str]
    queries: tuple[str, ...]


def ask(question: Callable[[], Any], sent: Iterable[str] = ()) -> Answer:
    """`sent` are the ids, or words, in question: an answer may repeat them, as it would repeat any."""
    connection.queries_log.clear()  # It holds so many, and warns when there were more.
    with CaptureQueriesContext(connection) as captured:
        response: HttpResponse = question()
    headers = {
        name: _MADE_UP.sub("", _without(value, sent))
        for name, value in response.headers.items()
        if name not in _OF_THE_MOMENT
    }
    return Answer(
        response.status_code,
        _without(response.getvalue().decode(errors="replace"), sent),
        headers,
        tuple(VALUES.sub("?", query["sql"]) for query in captured.captured_queries),
    )


def both(question: Callable[[Words], Any], hidden: Words, absent: Words) -> tuple[Answer, Answer]:
    """The answers about what is another's and about what is not there, from the same state of the database."""
    with transaction.atomic():
        about_absent = ask(partial(question, absent), absent.values())
        transaction.set_rollback(True)
    return ask(partial(question, hidden), hidden.values()), about_absent


def assert_hides(cast: Cast, person: Person, answer: Answer, what: str) -> None:
    """Raises AssertionError where an answer shows a word or an id of the owners."""
    found = [text for text in (*person.words, *cast.hidden_ids(person)) if text in answer.body]
    found += [text for text in person.words if text in str(answer.headers)]
    assert not found, f"{what} shows {person.name} {found}"
    assert answer.status != 500, f"{what} failed for {person.name}"


def assert_same(hidden: Answer, absent: Answer, what: str) -> None:
    assert hidden.status == absent.status, f"{what}: {hidden.status} instead of {absent.status} tells that it is there"
    # Ids that are made up for a new row differ; `assert_hides` looks for those that matter.
    bodies = (_ID.sub("ID", answer.body).split("\n") for answer in (hidden, absent))
    lines = [pair for pair in zip_longest(*bodies) if pair[0] != pair[1]]
    assert not lines, f"{what}: the body tells that it is there, first {lines[0]}"
    assert hidden.headers == absent.headers, f"{what}: the headers tell that it is there, as {hidden.headers}"
    other = [pair for pair in zip_longest(hidden.queries, absent.queries) if pair[0] != pair[1]]
    assert not other, f"{what}: other queries are made, so the time tells that it is there, first {other[0]}"


def _without(text: str, sent: Iterable[str]) -> str:
    text = _RANDOM.sub(r"\1", text)
    for word in sent:
        text = text.replace(word, "ID")
    return text
