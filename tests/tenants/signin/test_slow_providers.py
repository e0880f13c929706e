"""Providers that are slow on purpose: with connecting, with the handshake, with taking a question, with answering."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests

from tenants.signin import outbound
from tenants.signin.outbound import ProviderSession
from tests.support.servers_elsewhere import certificate_for
from tests.tenants.signin.test_unruly_providers import Talk, provider_that

ANSWER = b"HTTP/1.1 200 OK\r\n"
# How a long record of a TLS handshake begins.
HANDSHAKE = b"\x16\x03\x03\x3f\xff\x02\x00\x3f\xfb"

BEGINNINGS = {
    "status": b"HTTP/1.1 100 Continue\r\n\r\n" * 3,
    "headers": ANSWER + b"X-Long: ",
    "body": ANSWER + b"Content-Length: 1000\r\n\r\n",
    "chunk": ANSWER + b"Transfer-Encoding: chunked\r\n\r\n1000\r\n",
    "rest": ANSWER + b"Connection: close\r\n\r\n",
}
slow_from = pytest.mark.parametrize("before", BEGINNINGS.values(), ids=BEGINNINGS)


def _drips(before: bytes) -> Talk:
    """Sends this, and then a byte twenty times a second for five seconds."""

    def talk(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(before)
        for _ in range(100):
            connection.sendall(b"a")
            time.sleep(0.05)

    return talk


def _takes_little(connection: socket.socket) -> None:
    """Reads some 600 kB a second, for five seconds."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    for _ in range(100):
        if not connection.recv(32_768):
            break
        time.sleep(0.05)


@pytest.fixture(autouse=True)
def _little_time(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An exchange may take 0.3 s; one that takes ten times that fails the test."""
    settings.SIGN_IN_PROVIDERS_LOCAL = True
    monkeypatch.setattr(outbound, "WHOLE_TIMEOUT_S", 0.3)
    began_s = time.monotonic()
    yield
    assert time.monotonic() - began_s < 3.0


@slow_from
def test_an_answer_ends_in_time(before: bytes) -> None:
    with provider_that(_drips(before)) as port, ProviderSession() as session, pytest.raises(requests.RequestException):
        session.get(f"http://127.0.0.1:{port}/")


@slow_from
def test_one_over_tls_ends_in_time(before: bytes, tmp_path: Path) -> None:
    context, vouches = certificate_for("localhost", tmp_path)

    with provider_that(_drips(before), context) as port, ProviderSession() as session:
        session.verify = str(vouches)
        with pytest.raises(requests.RequestException, match="took too long"):
            session.get(f"https://localhost:{port}/")


def test_a_handshake_ends_in_time() -> None:
    with provider_that(_drips(HANDSHAKE)) as port, ProviderSession() as session, pytest.raises(requests.Timeout):
        session.get(f"https://127.0.0.1:{port}/")


def test_a_question_ends_in_time(tmp_path: Path) -> None:
    context, vouches = certificate_for("localhost", tmp_path)

    with provider_that(_takes_little, context) as port, ProviderSession() as session:
        session.verify = str(vouches)
        with pytest.raises(requests.RequestException):
            session.post(f"https://localhost:{port}/", data=bytes(50 * 2**20))


def test_trying_many_addresses_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    find = socket.getaddrinfo

    def found(host: str, *asked: Any, **how: Any) -> Any:
        return find("127.0.0.1", *asked, **how) * 25 if host == "provider.example" else find(host, *asked, **how)

    monkeypatch.setattr(socket, "getaddrinfo", found)
    monkeypatch.setattr(outbound, "STEP_TIMEOUT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, ExitStack() as waiting:
        # Nobody accepts, and where the queue is full the system answers no more.
        waiting.enter_context(socket.create_connection(full.getsockname()))
        with ProviderSession() as session, pytest.raises(requests.Timeout):
            session.get(f"http://provider.example:{full.getsockname()[1]}/")


def test_each_exchange_of_a_session_has_its_own_time(monkeypatch: pytest.MonkeyPatch) -> None:
    def talk(connection: socket.socket) -> None:
        while connection.recv(65_536):
            connection.sendall(ANSWER + b"Content-Length: 2\r\n\r\n{}")

    with provider_that(talk) as port, ProviderSession() as session:
        assert session.get(f"http://127.0.0.1:{port}/").json() == {}
        later_s = time.monotonic() + 60
        monkeypatch.setattr(outbound, "monotonic", lambda: later_s)
        assert session.get(f"http://127.0.0.1:{port}/").json() == {}


@pytest.mark.parametrize("host", ["a" * 64 + ".example", "a..example", "nowhere.invalid"])
def test_a_host_that_is_none_is_an_error_as_any_other(host: str) -> None:
    with ProviderSession() as session, pytest.raises(requests.RequestException):
        session.get(f"https://{host}/")
