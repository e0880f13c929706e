"""A gateway's surroundings and a browser, for all tests of a module: each takes seconds to start."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
import redis
from playwright.async_api import Browser
from pytest_django import DjangoDbBlocker

from tests.support.browser import running_browser
from tests.support.databases import migrated_database
from tests.support.services import Addresses, django_at


@pytest.fixture(scope="module")
def environment_of_module(
    django_test_environment: None,
    django_db_blocker: DjangoDbBlocker,
    services: Addresses,
    own_redis_url: str,
    worker_number: int,
) -> Iterator[dict[str, str]]:
    """As `service_environment`, with a database of the module's own: it keeps what is written, also by Django here."""
    name = f"test_e2e_{os.getpid()}_{worker_number}"
    with redis.Redis.from_url(own_redis_url, socket_timeout=10) as connection:
        connection.flushdb()
    with django_db_blocker.unblock(), migrated_database(services, name) as database, django_at(database):
        yield os.environ | {
            "DATABASE_URL": database.app_url,
            "DATABASE_OWNER_URL": database.owner_url,
            "REDIS_URL": own_redis_url,
            "DJANGO_SETTINGS_MODULE": "flexhub.settings",
        }


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """Those who use it run in the event loop of their module, as it does."""
    async with running_browser() as browser:
        yield browser
