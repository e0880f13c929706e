from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest
from django.db import OperationalError

from flexhub.gateway.database import DatabaseThread, DatabaseUnavailable


@pytest.fixture
def database() -> Iterator[DatabaseThread]:
    database = DatabaseThread("test", timeout_s=0.05)
    yield database
    database.close()


async def test_asks_beside_the_event_loop(database: DatabaseThread) -> None:
    assert await database.ask(threading.get_ident) != threading.get_ident()


async def test_says_when_the_database_takes_too_long(database: DatabaseThread) -> None:
    answers = threading.Event()

    with pytest.raises(DatabaseUnavailable, match="TimeoutError"):
        await database.ask(lambda: answers.wait(20))

    answers.set()


async def test_tells_of_trouble_without_quoting_the_query(database: DatabaseThread) -> None:
    def broken() -> None:
        raise OperationalError("SELECT secret")

    with pytest.raises(DatabaseUnavailable) as trouble:
        await database.ask(broken)

    assert str(trouble.value) == "OperationalError"


async def test_what_is_no_trouble_of_the_database_is_raised_as_it_is(database: DatabaseThread) -> None:
    def wrong() -> None:
        raise LookupError("no such row")

    with pytest.raises(LookupError):
        await asyncio.wait_for(database.ask(wrong), 20)
