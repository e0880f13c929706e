from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from rm_adapters import vendor_calls
from rm_adapters.catalogue import UnknownVendor, Vendor, manifests, vendor_named
from rm_adapters.models import VendorAccount
from rm_adapters.rows import Overtaken
from rm_adapters.sdk import Account, Ack, Command, Device, Offline, Transient
from rm_adapters.vendor_calls import VendorLine
from tests.rm_adapters.hosted_home import MORNING

DEVICE = Device(key="pump", name="pump", kind="pump")
COMMAND = Command(operation="set")


class Acme:
    """An adapter whose every call does the same."""

    def __init__(self, work: Callable[[], Awaitable[Any]]) -> None:
        self._work = work
        self.clients: list[str] = []

    async def read(self, client: str, _device: Device) -> Any:
        self.clients.append(client)
        return await self._work()

    async def execute(self, client: str, _device: Device, _command: Command) -> Any:
        self.clients.append(client)
        return await self._work()

    async def discover(self, _client: str) -> AsyncIterator[Device]:
        yield await self._work()


@asynccontextmanager
async def connect(account: Account) -> AsyncIterator[str]:
    yield f"client of {account.now():%H:%M}"


def line(work: Callable[[], Awaitable[Any]]) -> VendorLine:
    adapter: Any = Acme(work)
    manifest = manifests()["simulator"].model_copy(update={"id": "acme"})
    vendor = Vendor(manifest, adapter, connect)
    return VendorLine(vendor, VendorAccount(vendor="acme"), lambda: MORNING)


def raising(error: BaseException) -> Callable[[], Awaitable[Any]]:
    async def work() -> Any:
        raise error

    return work


def answering(value: Any) -> Callable[[], Awaitable[Any]]:
    async def work() -> Any:
        return value

    return work


def test_passes_on_what_the_adapter_answers() -> None:
    assert line(answering(DEVICE)).discover() == [DEVICE]
    assert line(answering(Ack())).execute(DEVICE, COMMAND, lambda: None) == Ack()


def test_passes_on_the_errors_of_the_sdk() -> None:
    with pytest.raises(Offline, match="asleep"):
        line(raising(Offline("asleep"))).read(DEVICE)


def test_everything_else_is_transient_and_tells_no_secrets(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(Transient) as caught:
        line(raising(ValueError("https://acme/?key=secret"))).read(DEVICE)

    assert "ValueError in test_vendor_calls.py" in str(caught.value)
    assert "rm.adapter_broken" in caplog.text
    assert "secret" not in caplog.text + str(caught.value)


def test_a_vendor_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vendor_calls, "VENDOR_TIMEOUT_S", 0.01)

    with pytest.raises(Transient, match=r"no answer within 0.01 s"):
        line(asyncio.Event().wait).read(DEVICE)


def test_the_last_look_before_a_write_may_stop_it() -> None:
    written = []

    async def write() -> Ack:
        written.append(True)
        return Ack()

    def check() -> None:
        raise Overtaken

    with pytest.raises(Overtaken):
        line(write).execute(DEVICE, COMMAND, check)

    assert written == []


def test_every_folder_with_a_manifest_is_a_vendor() -> None:
    assert list(manifests()) == ["simulator"]
    for name in manifests():
        vendor = vendor_named(name)
        assert vendor.manifest.id == name
        assert callable(vendor.connect)


def test_a_vendor_without_a_folder_is_named() -> None:
    with pytest.raises(UnknownVendor, match="there is no vendor 'acme'; there is simulator"):
        vendor_named("acme")
