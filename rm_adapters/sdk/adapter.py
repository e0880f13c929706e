"""What a vendor adapter has to be able to do, and no more.

The framework owns the S2 session, message ids, instruction life cycle, durable times, retries, staleness and the guard.
An adapter knows its vendor. Four of its seven methods are pure, and most of its tests need no server.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeVar

from rm_adapters.sdk.values import Account, Ack, Command, Device, Flex, Preferences, Reject, Snapshot
from s2.messages import Instruction

#: What the adapter talks to its vendor with; given by the framework, or by a test.
Client = TypeVar("Client", contravariant=True)
_MadeClient = TypeVar("_MadeClient", covariant=True)


class VendorMapping(Protocol):
    """The pure half: equal arguments, equal results. None of these raises.

    `HostedResource` calls them, at any time and in any order.
    """

    def describe(self, device: Device, snapshot: Snapshot, preferences: Preferences, /) -> Flex:
        """What the device offers in this situation. Ids in it are stable over time, and so is all that has not changed.

        Times in it follow from `observed_at`, so that a forecast is news only when its start has moved on.
        """
        ...

    def plan(self, device: Device, snapshot: Snapshot, flex: Flex, instruction: Instruction, /) -> Command | Reject:
        """The one write that carries out the instruction as it holds from its `execution_time` on, which is now.

        Of a PEBC instruction only the elements from now on are left; the framework asks again for the next one. The
        guard judges the command afterwards, so what belongs here are refusals that take knowledge of the vendor.
        """
        ...

    def confirmed(self, device: Device, command: Command, snapshot: Snapshot, /) -> bool | None:
        """Whether the reading shows the effect of the command; None while it cannot be told.

        False means that the device is as it would be without the command: after a lost answer it is written again.
        """
        ...

    def release(self, device: Device, snapshot: Snapshot, original: Snapshot, /) -> list[Command]:
        """How to give the device back to itself, as it was in `original`, before our first write.

        Empty where there is nothing to give back. These commands are written until a reading confirms them.
        """
        ...


class Adapter(VendorMapping, Protocol[Client]):
    """The whole adapter. Its I/O is run by a task, one call at a time for each device.

    All three may raise `Transient`, `AuthGone`, `Offline` and `Stale` (`rm_adapters.sdk.errors`), and nothing else.
    """

    def discover(self, http: Client, /) -> AsyncIterator[Device]:
        """The devices of the account."""
        ...

    async def read(self, http: Client, device: Device, /) -> Snapshot:
        """The present state, in SI units with the signs of S2."""
        ...

    async def execute(self, http: Client, device: Device, command: Command, /) -> Ack:
        """Write once. Never tried again in here: after a failure it is unknown whether the device has acted on it."""
        ...


class Connect(Protocol[_MadeClient]):
    """How the framework gets the client of an account: `connect` in the vendor's module `client`.

    The context lasts for one call of the adapter, which has a time limit; connecting is part of that. It may raise what
    the adapter may.
    """

    def __call__(self, account: Account, /) -> AbstractAsyncContextManager[_MadeClient]: ...
