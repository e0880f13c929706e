from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from cem_service.feeds.sdk import Line, Transient, http
from tests.support.servers_elsewhere import certificate_for

ANSWER = b"HTTP/1.1 200 OK\r\n"


@contextmanager
def _dripping(before: bytes, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """The port of a server that sends this, and then a byte twenty times a second for five seconds."""
    gone = threading.Event()

    def serve() -> None:
        accepted, _ = server.accept()
        with (
            # Who asked goes while it is being answered.
            suppress(OSError),
            accepted if context is None else context.wrap_socket(accepted, server_side=True) as connection,
        ):
            connection.recv(65_536)
            connection.sendall(before)
            for _ in range(100):
                if gone.wait(0.05):
                    return
                connection.sendall(b"a")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        gone.set()
        thread.join()


@pytest.mark.parametrize("before", [ANSWER + b"Content-Length: 1000\r\n\r\n", ANSWER + b"X-Long: "])
def test_a_server_that_sends_a_byte_now_and_then_does_not_hold_a_thread(
    before: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "FETCH_TIMEOUT_S", 0.3)
    began_s = time.monotonic()

    with (
        _dripping(before) as port,
        Line({}, local=True) as line,
        pytest.raises(Transient, match="did not answer in time"),
    ):
        line.get(f"http://127.0.0.1:{port}/")

    assert time.monotonic() - began_s < 3.0


def test_neither_does_one_behind_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context, vouches = certificate_for("localhost", tmp_path)
    monkeypatch.setattr(httpx, "create_ssl_context", lambda **_: ssl.create_default_context(cafile=vouches))
    monkeypatch.setattr(http, "FETCH_TIMEOUT_S", 0.3)

    with (
        _dripping(ANSWER + b"X-Long: ", context) as port,
        Line({}, local=True) as line,
        pytest.raises(Transient, match="did not answer in time"),
    ):
        line.get(f"https://localhost:{port}/")


def test_nobody_is_asked_once_the_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "FETCH_TIMEOUT_S", -1.0)

    with Line({}, local=True) as line, pytest.raises(Transient, match="took too long"):
        line.get("http://127.0.0.1:1/")
