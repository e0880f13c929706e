"""Device tokens against a real gateway: what a revocation closes and how soon, and changes of tokens under load."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from typing import TypeVar

import pytest
from django.db import connections
from pytest_django import DjangoDbBlocker
from websockets.exceptions import InvalidStatus

from flexhub.gateway.limits import CLOSE_TOKEN_ENDED
from flexhub.pairing.models import NodeToken
from flexhub.pairing.services import issue_node_token, replace_node_tokens, revoke_node_token
from tenants import tokens
from tenants.scope import tenant_scope
from tests.support.gateway import SocketDevice, device_at
from tests.support.gateway_inside import details
from tests.support.hub import Hub, eventually
from tests.support.registry import Household, make_device
from tests.support.services import django_at

DEVICES = 8
MESSAGES = 10

Found = TypeVar("Found")


async def change(work: Callable[[], Found]) -> Found:
    """To the hub's rows, in a thread as a person's request would be."""

    def in_thread() -> Found:
        with closing(connections["default"]):
            return work()

    return await asyncio.to_thread(in_thread)


@pytest.fixture(autouse=True)
def _of_this_hub(hub: Hub, django_db_blocker: DjangoDbBlocker, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("flexhub.devices.sessions.connect_worker", lambda _: hub.bus)
    with django_db_blocker.unblock(), django_at(hub.database):
        yield


@pytest.fixture
def devices(household: Household) -> list[Household]:
    """The household, seen from each of its devices."""
    with closing(connections["default"]):
        return [household, *(another(household, number) for number in range(1, DEVICES))]


def another(household: Household, number: int) -> Household:
    device = make_device(household.site, household.device.device_type, name=f"Device {number}")
    node = device.node
    return Household(
        household.tenant, household.site, device, node, household.cem_node, node.rm_link, issue_node_token(node)
    )


def revoke(who: Household, token: str) -> None:
    with tenant_scope(who.tenant.pk):
        row = NodeToken.objects.select_related("node").get(token_hash=tokens.digest(token))
    revoke_node_token(row)


async def speak(device: SocketDevice, messages: int = 1) -> None:
    """What is right is acknowledged."""
    for _ in range(messages):
        answer = await device.ask(details())
        assert answer["status"] == "OK", answer


async def one_session(hub: Hub, who: Household, token: str) -> None:
    async with device_at(hub.url(who.rm_node.pk), token) as device:
        await device.shake_hands()
        await speak(device)


async def is_refused(hub: Hub, who: Household, token: str) -> bool:
    try:
        async with device_at(hub.url(who.rm_node.pk), token):
            return False
    except InvalidStatus as refused:
        return refused.response.status_code == 401


async def test_a_revoked_token_closes_what_it_opened_within_a_second(
    hub: Hub, household: Household, second_device: Household
) -> None:
    async with (
        device_at(hub.url(household.rm_node.pk), household.token) as device,
        device_at(hub.url(second_device.rm_node.pk), second_device.token) as other,
    ):
        for each in (device, other):
            await each.shake_hands()
            await speak(each)
        began_s = time.monotonic()

        await change(lambda: revoke(household, household.token))
        code = await device.closed()

        print(f"revoked and closed within {(time.monotonic() - began_s) * 1000:.0f} ms")  # noqa: T201  # For people.
        assert code == CLOSE_TOKEN_ENDED
        assert await is_refused(hub, household, household.token)
        await speak(other)
    await eventually(lambda: not hub.sessions(household.link.pk))


async def test_devices_change_their_tokens_under_load(hub: Hub, devices: list[Household]) -> None:
    await asyncio.gather(*(changes_over(hub, who) for who in devices))


async def changes_over(hub: Hub, who: Household) -> None:
    """All that is done with a valid token succeeds, and nothing with the old one."""
    old = who.token
    await one_session(hub, who, old)
    new = await change(lambda: replace_node_tokens(who.rm_node, overlap=timedelta(hours=1)))
    await one_session(hub, who, old)
    async with device_at(hub.url(who.rm_node.pk), new) as device:
        await device.shake_hands()
        await asyncio.gather(speak(device, MESSAGES), change(lambda: revoke(who, old)))
        _, *refused = await asyncio.gather(
            speak(device, MESSAGES), *(is_refused(hub, who, old) for _ in range(MESSAGES))
        )
        assert all(refused)
        await speak(device)
    for _ in range(3):
        await one_session(hub, who, new)


async def test_sign_ins_during_the_revocation_are_closed(hub: Hub, devices: list[Household]) -> None:
    await asyncio.gather(*(hammers(hub, who) for who in devices))

    for who in devices:
        await eventually(lambda who=who: not hub.sessions(who.link.pk))  # type: ignore[misc]  # Bound at once.


async def hammers(hub: Hub, who: Household) -> None:
    """Connects on and on, while the token is revoked at some moment of it."""
    revoked = asyncio.Event()
    hammering = asyncio.create_task(connect_until_refused(hub, who, revoked))
    await asyncio.sleep(0.2)
    await change(lambda: revoke(who, who.token))
    revoked.set()

    assert await hammering


async def connect_until_refused(hub: Hub, who: Household, revoked: asyncio.Event) -> bool:
    """Whether nothing that began after the revocation was let in, and all that was open then was closed for it."""
    while True:
        began_too_late = revoked.is_set()
        try:
            async with device_at(hub.url(who.rm_node.pk), who.token) as device:
                if began_too_late:
                    return False
                closed = asyncio.create_task(device.closed())
                # Goes on with the next connection, unless the hub closes this one.
                done, _ = await asyncio.wait([closed], timeout=0.02)
                if revoked.is_set() and not done:
                    return await closed == CLOSE_TOKEN_ENDED
                if done:
                    return closed.result() == CLOSE_TOKEN_ENDED
                closed.cancel()
        except InvalidStatus as refused:
            return refused.response.status_code == 401
