from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support.lasting import Lasting

FOLDER = Path("/tests/e2e/hub")


@pytest.fixture
def seen() -> list[str]:
    return []


@pytest.fixture
def lasting(seen: list[str]) -> Lasting[str]:
    @contextmanager
    def make() -> Iterator[str]:
        seen.append("begun")
        yield "it"
        seen.append("ended")

    return Lasting(FOLDER, make)


def item(path: str) -> Any:
    return SimpleNamespace(path=Path(path))


def test_is_made_once_for_all_tests_of_the_folder(lasting: Lasting[str], seen: list[str]) -> None:
    assert lasting.get() == lasting.get() == "it"
    lasting.end_unless_wanted(item("/tests/e2e/hub/test_other.py"))

    assert seen == ["begun"]


def test_ends_when_a_test_of_another_folder_comes_next(lasting: Lasting[str], seen: list[str]) -> None:
    lasting.get()
    lasting.end_unless_wanted(item("/tests/e2e/test_demo.py"))
    lasting.end_unless_wanted(item("/tests/e2e/test_demo.py"))

    assert seen == ["begun", "ended"]


def test_is_made_again_where_the_folder_is_come_back_to(lasting: Lasting[str], seen: list[str]) -> None:
    lasting.get()
    lasting.end_unless_wanted(item("/tests/e2e/test_demo.py"))
    lasting.get()

    assert seen == ["begun", "ended", "begun"]


def test_the_last_test_of_all_leaves_it_to_the_session(lasting: Lasting[str], seen: list[str]) -> None:
    with lasting:
        lasting.get()
        lasting.end_unless_wanted(None)
        assert seen == ["begun"]

    assert seen == ["begun", "ended"]
