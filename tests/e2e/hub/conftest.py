"""One hub for all tests of this folder: its processes take seconds to start, and never rest while they run.

It has a database and a Redis of its own, which keep what earlier tests left; so each test makes a household of its
own and looks at nothing else.
"""

from __future__ import annotations

import itertools
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from pytest_django import DjangoDbBlocker

from flexhub.pairing.services import issue_node_token
from tests.support.hub import SECOND_GATEWAY, Hub, running_hub
from tests.support.lasting import Lasting
from tests.support.registry import Household, make_device, make_household
from tests.support.services import Addresses, django_at

_numbers = itertools.count(1)


_SHARED = pytest.StashKey[Lasting[Hub]]()


@pytest.fixture(scope="session")
def shared_hub(
    request: pytest.FixtureRequest,
    django_test_environment: None,
    django_db_blocker: DjangoDbBlocker,
    services: Addresses,
    worker_number: int,
) -> Iterator[Lasting[Hub]]:
    @contextmanager
    def running() -> Iterator[Hub]:
        with django_db_blocker.unblock(), running_hub(services, f"test_hub_{worker_number}") as hub:
            yield hub

    with Lasting(Path(__file__).parent, running) as shared:
        request.session.stash[_SHARED] = shared
        yield shared


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, None, None]:
    yield
    if shared := item.session.stash.get(_SHARED, None):
        shared.end_unless_wanted(nextitem)


@pytest.fixture
def hub(shared_hub: Lasting[Hub], request: pytest.FixtureRequest) -> Iterator[Hub]:
    """The hub, up and complete. When the test failed, the ends of all logs are shown."""
    failed_before = request.session.testsfailed
    hub = shared_hub.get()
    yield hub
    if request.session.testsfailed > failed_before:
        print(hub.log_tails())  # noqa: T201 - pytest shows it where a test failed.
    hub.revive()


@pytest.fixture
def both_gateways(hub: Hub) -> Hub:
    """The hub with a second gateway, which then stays."""
    if SECOND_GATEWAY not in hub.alive():
        hub.launch(SECOND_GATEWAY)
    hub.await_ready(SECOND_GATEWAY)
    return hub


@pytest.fixture
def household(hub: Hub, django_db_blocker: DjangoDbBlocker) -> Household:
    with django_db_blocker.unblock(), django_at(hub.database):
        return make_household(f"Alder {next(_numbers)}")


@pytest.fixture
def second_device(hub: Hub, household: Household, django_db_blocker: DjangoDbBlocker) -> Household:
    """The same household, seen from another device in it."""
    with django_db_blocker.unblock(), django_at(hub.database):
        device = make_device(household.site, name="Another device")
        node = device.node
        return replace(household, device=device, rm_node=node, link=node.rm_link, token=issue_node_token(node))
