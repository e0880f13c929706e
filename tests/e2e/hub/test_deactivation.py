"""A tenant that is turned off, against a real gateway: what is open is closed, and nothing of it opens again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from uuid import uuid4

import pytest
from django.db import connections
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from flexhub.gateway.limits import CLOSE_TOKEN_ENDED
from tenants.deactivation import deactivate, reactivate
from tests.e2e.hub.test_device_tokens import change, is_refused, one_session, speak
from tests.support.gateway import device_at
from tests.support.hub import Hub
from tests.support.registry import Household, make_household
from tests.support.services import django_at


@pytest.fixture
def birch(hub: Hub, django_db_blocker: DjangoDbBlocker, monkeypatch: pytest.MonkeyPatch) -> Iterator[Household]:
    monkeypatch.setattr("flexhub.devices.sessions.connect_worker", lambda _: hub.bus)
    with django_db_blocker.unblock(), django_at(hub.database):
        with closing(connections["default"]):
            birch = make_household(f"Birch {uuid4()}")
        yield birch


async def test_closes_the_sessions_of_a_tenant_at_once_and_opens_none(
    hub: Hub, household: Household, birch: Household
) -> None:
    async with (
        device_at(hub.url(household.rm_node.pk), household.token) as device,
        device_at(hub.url(birch.rm_node.pk), birch.token) as other,
    ):
        for each in (device, other):
            await each.shake_hands()
            await speak(each)
        began_s = time.monotonic()

        await change(lambda: deactivate(household.tenant, now=timezone.now()))
        code = await device.closed()

        print(f"deactivated and closed within {(time.monotonic() - began_s) * 1000:.0f} ms")  # noqa: T201  # For people.
        assert code == CLOSE_TOKEN_ENDED
        assert await is_refused(hub, household, household.token)
        await speak(other)
    await change(lambda: reactivate(household.tenant))
    await one_session(hub, household, household.token)
