from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from typing import Any

import pytest

from flexhub.gateway.resolver import Found, Resolver
from flexhub.pairing.addresses import AddressRefused


class Names:
    """A name service that answers what it is told, and counts how often it was asked."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses
        self.asked: list[str] = []

    async def look_up(self, host: str, port: int) -> Sequence[Found]:
        self.asked.append(host)
        found: list[Any] = []
        for address in self.addresses:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            found.append((family, socket.SOCK_STREAM, 6, "", (address, port)))
        return found


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1", "fd00::1"])
async def test_connects_to_nothing_inside(address: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        with pytest.raises(AddressRefused, match=r"ems\.example does not lead to"):
            await Resolver(private=False, look_up=Names(address).look_up).connect("ems.example", port)


async def test_connects_to_the_address_that_it_judged() -> None:
    names = Names("127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        connection = await Resolver(private=True, look_up=names.look_up).connect("ems.example", port)

        with connection:
            assert connection.getpeername() == ("127.0.0.1", port)
    assert names.asked == ["ems.example"]


async def test_goes_on_to_the_next_address_when_one_does_not_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        # Nobody listens at the second loopback address.
        names = Names("127.0.0.2", "127.0.0.1")

        with await Resolver(private=True, look_up=names.look_up).connect("ems.example", port) as connection:
            assert connection.getpeername()[0] == "127.0.0.1"

        with pytest.raises(ConnectionRefusedError):
            await Resolver(private=True, look_up=Names("127.0.0.2").look_up).connect("ems.example", port)


async def test_asks_the_system_and_gives_up_when_told_to() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        resolver = Resolver(private=True)

        with await resolver.connect("127.0.0.1", port) as connection:
            assert connection.getpeername() == ("127.0.0.1", port)

        resolver.close()

    async def never(host: str, port: int) -> Sequence[Found]:
        await asyncio.Event().wait()
        return []

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await Resolver(private=True, look_up=never).connect("ems.example", 1)
