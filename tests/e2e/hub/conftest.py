"""One hub for all tests of this folder: its processes take seconds to start.

It has a database and a Redis of its own, which keep what earlier tests left; so each test makes a household of its
own and looks at nothing else.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

import pytest
from pytest_django import DjangoDbBlocker

from flexhub.pairing.services import issue_node_token
from tests.support.hub import SECOND_GATEWAY, Hub, running_hub
from tests.support.registry import Household, make_device, make_household
from tests.support.services import Addresses, django_at

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def shared_hub(
    django_test_environment: None, django_db_blocker: DjangoDbBlocker, services: Addresses, worker_number: int
) -> Iterator[Hub]:
    with django_db_blocker.unblock(), running_hub(services, f"test_hub_{worker_number}") as hub:
        yield hub


@pytest.fixture
def hub(shared_hub: Hub, request: pytest.FixtureRequest) -> Iterator[Hub]:
    """The hub, up and complete. When the test failed, the ends of all logs are shown."""
    failed_before = request.session.testsfailed
    yield shared_hub
    if request.session.testsfailed > failed_before:
        print(shared_hub.log_tails())  # noqa: T201 - pytest shows it where a test failed.
    shared_hub.revive()


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
