"""Services and clock for all tests.

Nothing here imports Django or a driver before a test needs it, so that the pure suites start at once (see also
support/early.py).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import pytest

from tests.support.clock import FixedClock
from tests.support.early import GIVEN

if TYPE_CHECKING:
    from pytest_django import DjangoDbBlocker

    from tests.support.distribution import ByModule
    from tests.support.services import Addresses, DatabaseOfTests

# How the first process of a distributed run tells its workers where the servers are.
_HANDED_DOWN = "FLEXHUB_TEST_SERVICES"
_services_of_run = pytest.StashKey[ExitStack]()


def pytest_configure(config: pytest.Config) -> None:
    """Start the servers early when work is distributed: the workers inherit the environment as it is now."""
    _bear_with_busy_machines()
    if config.getoption("tx", None) and not hasattr(config, "workerinput"):
        from tests.support.services import running_services

        stack = config.stash[_services_of_run] = ExitStack()
        os.environ[_HANDED_DOWN] = json.dumps(stack.enter_context(running_services(GIVEN)).as_dict())


def _bear_with_busy_machines() -> None:
    """Hypothesis fails a test whose examples take long, or take long to be made up. Here that tells of other tests."""
    from hypothesis import HealthCheck, settings

    settings.register_profile("busy machine", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("busy machine")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByModule | None:
    """In place of its default, which hands out tests one by one."""
    if config.getoption("dist") != "load":
        return None

    from tests.support.distribution import ByModule

    # They come in the order in which they are to begin.
    config.option.loadscopereorder = False
    return ByModule(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):
        from tests.support.distribution import turn_of

        items.sort(key=lambda item: turn_of(item.nodeid))


def pytest_unconfigure(config: pytest.Config) -> None:
    if stack := config.stash.get(_services_of_run, None):
        stack.close()
        os.environ.pop(_HANDED_DOWN, None)


@pytest.fixture(scope="session")
def services() -> Iterator[Addresses]:
    """PostgreSQL and Redis, started when the first test asks for them."""
    from tests.support.services import Addresses, running_services

    if handed_down := os.environ.get(_HANDED_DOWN):
        yield Addresses(**json.loads(handed_down))
        return
    with running_services(GIVEN) as addresses:
        yield addresses


@pytest.fixture(scope="session")
def worker_number(request: pytest.FixtureRequest) -> int:
    """0 in a plain run, from 1 in the workers of a distributed one."""
    worker: str | None = getattr(request.config, "workerinput", {}).get("workerid")
    return 0 if worker is None else int(worker.removeprefix("gw")) + 1


@pytest.fixture(scope="session")
def own_database(
    django_test_environment: None, django_db_blocker: DjangoDbBlocker, services: Addresses, worker_number: int
) -> Iterator[DatabaseOfTests]:
    """The database of this process; the owner has migrated it."""
    from tests.support.databases import migrated_database

    with ExitStack() as stack:
        with django_db_blocker.unblock():
            database = stack.enter_context(migrated_database(services, f"test_flexhub_{os.getpid()}_{worker_number}"))
        yield database


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: DjangoDbBlocker, own_database: DatabaseOfTests) -> Iterator[None]:
    """In place of pytest-django's: the tests run as the application."""
    from django.contrib.auth.hashers import PBKDF2PasswordHasher
    from django.db import connections
    from django.test import TransactionTestCase

    from tests.support.databases import emptied
    from tests.support.services import point_django_at

    with emptied(own_database) as empty, pytest.MonkeyPatch.context() as patch:
        # After a test with real transactions; a rollback ends all others.
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda _: empty())
        # As many as keep guessers away take as long as many tests.
        patch.setattr(PBKDF2PasswordHasher, "iterations", 10)
        with django_db_blocker.unblock():
            point_django_at(own_database)
        yield
        with django_db_blocker.unblock():
            connections.close_all()


@pytest.fixture(scope="session")
def own_redis_url(services: Addresses, worker_number: int) -> str:
    """A Redis database of this process's own, with whatever is in it."""
    parts = urlsplit(services.redis_url)
    number = int(parts.path.strip("/") or 0) + worker_number
    return urlunsplit(parts._replace(path=f"/{number}"))


@pytest.fixture
def redis_url(own_redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """This process's own Redis database, empty, also in Django's settings and in the environment."""
    import redis

    url = own_redis_url
    with redis.Redis.from_url(url, socket_timeout=10) as client:
        client.flushdb()
    monkeypatch.setenv("REDIS_URL", url)
    monkeypatch.delenv("CELERY_BROKER_URL", raising=False)
    with _settings(REDIS_URL=url, CELERY_BROKER_URL=url):
        yield url


@pytest.fixture
def service_environment(django_db_setup: None, own_database: DatabaseOfTests, redis_url: str) -> dict[str, str]:
    """Variables for a real process of the hub. It sees only committed rows: use it with `transactional_db`."""
    return os.environ | {
        "DATABASE_URL": own_database.app_url,
        "DATABASE_OWNER_URL": own_database.owner_url,
        "REDIS_URL": redis_url,
        "DJANGO_SETTINGS_MODULE": "flexhub.settings",
    }


@pytest.fixture
def clock() -> Iterator[FixedClock]:
    """The process's clock, standing at 2026-04-21 10:00 UTC; `clock.advance(seconds)` moves it."""
    fixed = FixedClock.at()
    with _settings(CLOCK=fixed):
        yield fixed


@contextmanager
def _settings(**values: object) -> Iterator[None]:
    """Django's settings changed for a test; nothing in a run without Django."""
    if "DJANGO_SETTINGS_MODULE" not in os.environ:
        yield
        return
    from django.test import override_settings

    with override_settings(**values):
        yield
