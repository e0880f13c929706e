from __future__ import annotations

import resource

import pytest

from flexhub.load.engine.files import TooFewFiles, allow_sockets


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """A soft limit of 1,024 and a hard one of 4,096; what is set is kept here."""
    kept: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, 4096))
    monkeypatch.setattr(resource, "setrlimit", lambda _, pair: kept.append(pair))
    return kept


def test_leaves_a_limit_that_suffices(limits: list[tuple[int, int]]) -> None:
    allow_sockets(500)

    assert limits == []


def test_raises_the_soft_limit_to_the_hard_one(limits: list[tuple[int, int]]) -> None:
    allow_sockets(2000)

    assert limits == [(4096, 4096)]


def test_says_what_to_do_beyond_the_hard_one(limits: list[tuple[int, int]]) -> None:
    with pytest.raises(TooFewFiles, match="5000 sessions in a process need 5064 open files, and it may have 4096"):
        allow_sockets(5000)
