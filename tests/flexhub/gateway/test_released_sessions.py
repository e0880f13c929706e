"""A real gateway, a real socket and Redis; the worker of the hosted CEM is this process, which looks or does not."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from uuid import UUID, uuid4

import pytest
from django.db import connections

from cem_service import services
from cem_service.runtime import Tools
from flexhub.bus.worker_side import RedisWorkerBus
from flexhub.clock import Clock
from s2.messages import ControlType, InstructionStatus
from tests.support.envelope_device import EnvelopeDevice, details, living_device
from tests.support.gateway import RunningGateway, running_gateway
from tests.support.hub import eventually
from tests.support.registry import Household

RELEASE_AFTER_S = "2"


@pytest.fixture(scope="module")
def hasty_gateway(module_environment: dict[str, str]) -> Iterator[RunningGateway]:
    with running_gateway(module_environment | {"CEM_RELEASE_AFTER_S": RELEASE_AFTER_S}) as running:
        yield running


@pytest.fixture
def look(household: Household, worker_bus: RedisWorkerBus) -> Callable[[], None]:
    """One task of a worker of `cem`. Nothing is sent to Celery: the next look is ours to make."""
    tools = Tools(
        bus=worker_bus,
        clock=Clock.system(),
        new_id=lambda: str(uuid4()),
        send_react=lambda *_: None,
        send_plan=lambda *_: None,
    )

    def look() -> None:
        try:
            services.react_to_site(household.tenant.pk, household.site.pk, tools=tools)
        finally:
            connections.close_all()  # It runs in a thread, which has a connection of its own.

    return look


async def test_a_device_is_released_when_workers_are_gone_and_taken_back_when_one_comes(
    hasty_gateway: RunningGateway, household: Household, worker_bus: RedisWorkerBus, look: Callable[[], None]
) -> None:
    def is_released() -> bool:
        return any(seat.is_released for seat in worker_bus.sessions() if seat.info.link_id == household.link.pk)

    async with living_device(hasty_gateway.url(household.rm_node.pk), household.token) as device:
        await instructed(device, look)
        told = len(device.instructions)

        await eventually(lambda: control_type(device) is ControlType.NO_SELECTION)
        await eventually(is_released)
        assert device.connections == 1
        assert device.close_codes == []

        await instructed(device, look, more_than=told)

    pebc, none = "POWER_ENVELOPE_BASED_CONTROL", "NO_SELECTION"
    assert selections(worker_bus, household.link.pk)[:3] == [pebc, none, pebc]
    assert device.connections == 1


async def test_a_device_that_introduces_itself_again_is_told_afresh_at_once(
    hasty_gateway: RunningGateway, household: Household, look: Callable[[], None]
) -> None:
    """What it was told has ended with that. It did not refuse it, so it is not left alone for it."""
    url = hasty_gateway.url(household.rm_node.pk)
    async with living_device(url, household.token, says_of_each=(InstructionStatus.ACCEPTED,)) as device:
        await instructed(device, look)
        told = len(device.instructions)

        await device.say(details())

        await instructed(device, look, more_than=told)
    assert device.connections == 1


def selections(bus: RedisWorkerBus, link_id: UUID) -> list[str]:
    """The control types that the device was told, oldest first."""
    said = [json.loads(entry.text) for entry in reversed(bus.conversation(link_id)) if entry.direction == "sent"]
    return [each["control_type"] for each in said if each["message_type"] == "SelectControlType"]


def control_type(device: EnvelopeDevice) -> ControlType | None:
    return None if device.session is None else device.session.control_type


async def instructed(device: EnvelopeDevice, look: Callable[[], None], more_than: int = 0) -> None:
    """Look at the site until the device has been told something."""

    def told() -> bool:
        look()
        return len(device.instructions) > more_than

    await eventually(told)
