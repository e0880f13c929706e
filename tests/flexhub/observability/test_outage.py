from __future__ import annotations

import logging

import pytest

from flexhub.observability.outage import Outage


def attempt(outage: Outage, error: Exception | None) -> None:
    with outage.expected(ConnectionError):
        if error:
            raise error


def test_tells_the_beginning_and_the_end_once(caplog: pytest.LogCaptureFixture) -> None:
    outage = Outage("nothing is stored")

    with caplog.at_level(logging.WARNING):
        for error in (None, ConnectionError("away"), ConnectionError("still away"), None, None):
            attempt(outage, error)

    assert [record.getMessage() for record in caplog.records] == [
        "nothing is stored: ConnectionError: away",
        "over: nothing is stored",
    ]


def test_lets_other_errors_pass() -> None:
    with pytest.raises(ZeroDivisionError):
        attempt(Outage("nothing is stored"), ZeroDivisionError())
