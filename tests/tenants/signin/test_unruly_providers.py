"""Providers that would hold whom they answer, or send them elsewhere."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
import requests

from tenants.signin.outbound import ProviderSession

Talk = Callable[[socket.socket], None]


@contextmanager
def provider_that(talk: Talk, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """The port of a server that talks so with whoever connects, one after the other."""

    def serve() -> None:
        with suppress(OSError):
            while True:
                accepted, _ = server.accept()
                # Who asked goes while it is being answered.
                with (
                    suppress(OSError),
                    accepted if context is None else context.wrap_socket(accepted, server_side=True) as connection,
                ):
                    talk(connection)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.fixture(autouse=True)
def _loopback(settings: Any) -> None:
    settings.SIGN_IN_PROVIDERS_LOCAL = True


def test_reads_no_more_of_a_redirect_than_of_an_answer() -> None:
    taken = 0

    def talk(connection: socket.socket) -> None:
        nonlocal taken
        connection.recv(65_536)
        connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\n\r\n")
        for _ in range(1000):
            connection.sendall(bytes(65_536))
            taken += 65_536

    with provider_that(talk) as port, ProviderSession() as session, pytest.raises(requests.RequestException):
        session.get(f"http://127.0.0.1:{port}/")

    # The rest fills buffers on the way.
    assert taken < 32 * 2**20


@pytest.mark.parametrize("location", [b"/elsewhere", b"http://[", b"ftp://elsewhere.example"])
def test_follows_nowhere(location: bytes) -> None:
    def talk(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: %b\r\n\r\n" % location)

    with provider_that(talk) as port, ProviderSession() as session, pytest.raises(requests.TooManyRedirects):
        session.get(f"http://127.0.0.1:{port}/")
