"""Finds out where a name leads, and connects to nothing else.

The address that was judged is the one that is connected to, so a name that leads elsewhere a moment later (DNS
rebinding) gains nothing by it.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from typing import Any

from flexhub.gateway.limits import RESOLVER_THREADS
from flexhub.pairing.addresses import AddressRefused
from tenants.internet import is_public

# What getaddrinfo returns.
Found = tuple[int, int, int, str, tuple[Any, ...]]
LookUp = Callable[[str, int], Awaitable[Sequence[Found]]]


class Resolver:
    """`private` allows addresses that are not of the public Internet."""

    def __init__(self, *, private: bool, look_up: LookUp | None = None) -> None:
        self._private = private
        self._look_up = look_up or self._ask_system
        self._threads = ThreadPoolExecutor(RESOLVER_THREADS, thread_name_prefix="gateway-resolver")

    async def connect(self, host: str, port: int) -> socket.socket:
        """A TCP connection to the first address that may be connected to and answers.

        Raises AddressRefused where the name leads to none that may, OSError where none answers. Without a timeout.
        """
        found = await self._look_up(host, port)
        allowed = [each for each in found if self._private or is_public(ip_address(each[4][0]))]
        if not allowed:
            raise AddressRefused(f"{host} does not lead to an address of the public Internet")
        failure: OSError | None = None
        for family, kind, protocol, _, address in allowed:
            try:
                return await _connect(family, kind, protocol, address)
            except OSError as error:
                failure = error
        assert failure is not None  # noqa: S101 - At least one address was tried.
        raise failure

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _ask_system(self, host: str, port: int) -> Sequence[Found]:
        loop = asyncio.get_running_loop()
        found: Sequence[Any] = await loop.run_in_executor(self._threads, _getaddrinfo, host, port)
        return found


def _getaddrinfo(host: str, port: int) -> Sequence[Any]:
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)


async def _connect(family: int, kind: int, protocol: int, address: tuple[Any, ...]) -> socket.socket:
    connection = socket.socket(family, kind, protocol)
    try:
        connection.setblocking(False)
        await asyncio.get_running_loop().sock_connect(connection, address)
    except BaseException:
        connection.close()
        raise
    return connection
