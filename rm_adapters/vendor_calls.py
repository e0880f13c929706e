"""Calling vendors: each call takes a limited time, and nothing but the errors of the SDK comes back out.

An adapter is asynchronous, a task is not. What of a client is blocking (rows, in the simulator) runs in the thread of
the task, where its database connection is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, TypeVar

import structlog
from asgiref.sync import async_to_sync, sync_to_async

from flexhub.observability.failures import place_of
from rm_adapters.catalogue import Vendor
from rm_adapters.models import VendorAccount
from rm_adapters.rows import Overtaken
from rm_adapters.sdk import (
    Account,
    Ack,
    AdapterError,
    Command,
    Device,
    Flex,
    Preferences,
    Reject,
    Snapshot,
    Transient,
    VendorMapping,
)
from rm_adapters.sdk.values import Reason
from s2.messages import Instruction

log = structlog.get_logger(__name__)

#: Real time that a call may take, with connecting. The clouds that we know answer within 5 s when they answer.
VENDOR_TIMEOUT_S = 10.0

#: What a row keeps of an error.
ERROR_CHARACTERS = 200

_Result = TypeVar("_Result")


class VendorLine:
    """The way to one account's vendor."""

    def __init__(self, vendor: Vendor, account: VendorAccount, now: Callable[[], datetime]) -> None:
        self._vendor = vendor
        self._account = Account(id=account.pk, tenant_id=account.tenant_id, now=now)

    def discover(self) -> list[Device]:
        """The devices of the account. Raises AdapterError, as all of these do."""

        async def found(client: Any) -> list[Device]:
            return [device async for device in self._vendor.adapter.discover(client)]

        return self._call(found)

    def read(self, device: Device) -> Snapshot:
        return self._call(lambda client: self._vendor.adapter.read(client, device))

    def execute(self, device: Device, command: Command, check: Callable[[], None]) -> Ack:
        """Write once, after a last `check`, which may raise Overtaken."""

        async def written(client: Any) -> Ack:
            await sync_to_async(check)()
            return await self._vendor.adapter.execute(client, device, command)

        return self._call(written)

    def _call(self, work: Callable[[Any], Awaitable[_Result]]) -> _Result:
        try:
            return async_to_sync(self._within_time)(work)
        except (AdapterError, Overtaken):
            raise
        except TimeoutError:
            raise Transient(f"no answer within {VENDOR_TIMEOUT_S:g} s") from None
        except Exception as error:  # noqa: BLE001 - An adapter may be anybody's code, and must not stop the device.
            raise Transient(_reported(error, self._vendor.manifest.id)) from None

    async def _within_time(self, work: Callable[[Any], Awaitable[_Result]]) -> _Result:
        async with asyncio.timeout(VENDOR_TIMEOUT_S), self._vendor.connect(self._account) as client:
            return await work(client)


class CarefulMapping:
    """An adapter's mapping, whose mistakes end in the answer that does least.

    A mistake in `describe` comes through: without it there is nothing to say, and the call as a whole has failed.
    """

    def __init__(self, mapping: VendorMapping, vendor: str) -> None:
        self._mapping = mapping
        self._vendor = vendor

    def describe(self, device: Device, snapshot: Snapshot, preferences: Preferences, /) -> Flex:
        return self._mapping.describe(device, snapshot, preferences)

    def plan(self, device: Device, snapshot: Snapshot, flex: Flex, instruction: Instruction, /) -> Command | Reject:
        try:
            return self._mapping.plan(device, snapshot, flex, instruction)
        except Exception as error:  # noqa: BLE001 - As above.
            return Reject(Reason.AVAILABILITY, _reported(error, self._vendor))

    def confirmed(self, device: Device, command: Command, snapshot: Snapshot, /) -> bool | None:
        try:
            return self._mapping.confirmed(device, command, snapshot)
        except Exception as error:  # noqa: BLE001 - As above.
            _reported(error, self._vendor)
            return None

    def release(self, device: Device, snapshot: Snapshot, original: Snapshot, /) -> list[Command]:
        try:
            return self._mapping.release(device, snapshot, original)
        except Exception as error:  # noqa: BLE001 - As above.
            _reported(error, self._vendor)
            return []


def _reported(error: Exception, vendor: str) -> str:
    place = place_of(error)
    log.error("rm.adapter_broken", vendor=vendor, error=place)
    return f"the adapter has failed: {place}"
