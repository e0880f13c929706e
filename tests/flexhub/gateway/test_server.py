"""A real gateway process refuses and admits real sockets."""

from __future__ import annotations

import asyncio
import base64
import http.client
import json
import signal
import socket
import sys
from collections.abc import Iterator
from dataclasses import replace
from uuid import uuid4

import psutil
import pytest
from django.core.management import CommandError, call_command
from websockets.exceptions import InvalidStatus

from flexhub.bus.worker_side import RedisWorkerBus
from flexhub.pairing.services import issue_node_token
from tests.support.gateway import TIMEOUT_S, RunningGateway, device_at, running_gateway
from tests.support.registry import Household, make_device

FEW_FILES = 256


@pytest.fixture(scope="module", params=["daphne", "uvicorn"])
def server_environment(request: pytest.FixtureRequest, module_environment: dict[str, str]) -> dict[str, str]:
    """What is promised here holds under both servers."""
    return module_environment | {"S2_SERVER": request.param}


@pytest.fixture(scope="module")
def gateway(server_environment: dict[str, str]) -> Iterator[RunningGateway]:
    """It was started with room for few files, as it is by many shells."""
    start = f'ulimit -Sn {FEW_FILES} && exec "$0" manage.py gateway --port 0'
    with running_gateway(server_environment, ("/bin/sh", "-c", start, sys.executable)) as running:
        yield running


@pytest.fixture
def own_gateway(server_environment: dict[str, str]) -> Iterator[RunningGateway]:
    with running_gateway(server_environment) as running:
        yield running


async def refusal_of(url: str, token: str | None) -> tuple[int, str | None]:
    """Status and WWW-Authenticate of an upgrade that is expected to fail."""
    with pytest.raises(InvalidStatus) as refused:
        async with device_at(url, token):
            pass
    response = refused.value.response
    return response.status_code, response.headers.get("WWW-Authenticate")


async def test_refuses_what_is_not_a_valid_token_before_the_upgrade(
    gateway: RunningGateway, household: Household
) -> None:
    url = gateway.url(household.rm_node.pk)

    assert await refusal_of(url, None) == (401, 'Bearer realm="s2"')
    assert await refusal_of(url, "") == (401, 'Bearer realm="s2"')
    assert await refusal_of(url, "two words") == (401, 'Bearer realm="s2"')
    assert await refusal_of(url, household.token + "x") == (401, 'Bearer realm="s2"')
    assert await refusal_of(gateway.url(uuid4()), household.token) == (401, 'Bearer realm="s2"')
    assert await refusal_of(gateway.url(household.cem_node.pk), household.token) == (401, 'Bearer realm="s2"')


async def test_does_not_know_other_paths(gateway: RunningGateway, household: Household) -> None:
    status, _ = await refusal_of(f"ws://127.0.0.1:{gateway.port}/s2/v9/{household.rm_node.pk}", household.token)

    assert status == 404


async def test_opens_a_session_in_the_newest_version(gateway: RunningGateway, household: Household) -> None:
    async with device_at(gateway.url(household.rm_node.pk), household.token) as device:
        assert await device.shake_hands(["0.0.2-beta", "v1.0.0"]) == "v1.0.0"


@pytest.fixture
def second_device(household: Household) -> Household:
    """The same household, seen from another device in it."""
    device = make_device(household.site, name="Another device")
    return replace(household, device=device, rm_node=device.node, token=issue_node_token(device.node))


async def test_drains_before_it_ends(
    own_gateway: RunningGateway, household: Household, second_device: Household, worker_bus: RedisWorkerBus
) -> None:
    url = own_gateway.url(household.rm_node.pk)
    assert await readiness(own_gateway) == (200, "ready")
    async with (
        device_at(own_gateway.url(second_device.rm_node.pk), second_device.token) as polite,
        device_at(url, household.token) as device,
    ):
        await polite.shake_hands()
        await device.shake_hands()

        own_gateway.signal(signal.SIGTERM)
        assert (await polite.expect("SessionRequest"))["request"] == "RECONNECT"
        assert await polite.closed() == 1000
        # It hears the request to reconnect and stays, so that there is time to look around.
        while (await device.receive())["message_type"] != "SessionRequest":
            pass

        assert await readiness(own_gateway) == (503, "draining")
        assert await refusal_of(url, household.token) == (503, None)
        assert await device.closed() == 1012
    assert own_gateway.process.wait(TIMEOUT_S) == 0
    links = {household.link.pk, second_device.rm_node.rm_link.pk}
    assert not [each for each in worker_bus.sessions() if each.info.link_id in links]


async def readiness(gateway: RunningGateway) -> tuple[int, str]:
    """The answer of /readyz: its HTTP status, and the word for it."""

    def ask() -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=TIMEOUT_S)
        try:
            connection.request("GET", "/readyz")
            response = connection.getresponse()
            return response.status, str(json.load(response)["status"])
        finally:
            connection.close()

    return await asyncio.to_thread(ask)


async def test_closes_on_a_frame_above_the_limit(gateway: RunningGateway, household: Household) -> None:
    async with device_at(gateway.url(household.rm_node.pk), household.token) as device:
        await device.shake_hands()

        await device.send("x" * (2 * 1024 * 1024))

        assert await device.closed() == 1009


async def test_runs_under_any_asgi_server(household: Household, module_environment: dict[str, str]) -> None:
    options = ["--port", "0", "--ws-max-size", str(1024 * 1024)]
    command = [sys.executable, "-m", "uvicorn", "flexhub.asgi:application", *options]
    with running_gateway(module_environment, command) as gateway:
        url = gateway.url(household.rm_node.pk)
        assert await refusal_of(url, None) == (401, 'Bearer realm="s2"')
        async with device_at(url, household.token) as device:
            assert await device.shake_hands() == "1.0.0"
            gateway.signal(signal.SIGTERM)
            assert await device.closed() == 1012
        # Uvicorn by itself ends in order and then lets the signal have its default effect.
        assert gateway.process.wait(TIMEOUT_S) == -signal.SIGTERM


def test_names_a_port_in_use() -> None:
    with socket.create_server(("127.0.0.1", 0)) as occupied:
        port = str(occupied.getsockname()[1])

        with pytest.raises(CommandError, match=f"Port {port} on 127.0.0.1 is in use"):
            call_command("gateway", "--port", port)


def test_takes_as_many_files_as_it_may(gateway: RunningGateway) -> None:
    soft, hard = psutil.Process(gateway.process.pid).rlimit(psutil.RLIMIT_NOFILE)

    assert soft == hard > FEW_FILES


def test_goes_on_when_nobody_reads_its_log(server_environment: dict[str, str]) -> None:
    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
    with running_gateway(server_environment | {"LOG_LEVEL": "INFO"}) as unread:
        # Each of these is refused with a line of the log, and the pipe holds 64 KiB.
        for _ in range(800):
            client = http.client.HTTPConnection("127.0.0.1", unread.port, timeout=TIMEOUT_S)
            key = {"Sec-WebSocket-Key": base64.b64encode(uuid4().bytes).decode()}
            client.request("GET", f"/s2/v0/{uuid4()}", headers=upgrade | key)
            assert client.getresponse().status == 401
            client.close()

        unread.signal(signal.SIGTERM)
        assert unread.process.stdout is not None
        assert unread.process.stdout.read().count("gateway.socket.refused") == 800
        assert unread.process.wait(TIMEOUT_S) == 0
