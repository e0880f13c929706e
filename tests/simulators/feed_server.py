"""A provider of a feed as a real HTTP server on loopback, with faults that a test orders."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


class Fault(StrEnum):
    """What goes wrong with all calls until a test says otherwise."""

    SILENT = "silent"  # no answer, until whoever asks has gone
    EMPTY = "empty"  # well-formed, with nothing in it
    MALFORMED = "malformed"  # cut off in the middle
    BUSY = "busy"  # 429 with a Retry-After
    BROKEN = "broken"  # 503 with a page for people
    ENDLESS = "endless"  # longer than anybody reads
    PACKED = "packed"  # gzip, which nobody asked for
    MOVED = "moved"  # to another address


@dataclass(frozen=True, slots=True)
class Call:
    """One request that came in."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    form: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Reply:
    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class FeedServer:
    """Answers as its provider does. A subclass says what is right (`right`) and what is empty (`empty`).

    `holes` are moments whose values the provider does not have; `day` is the present for those whose questions name no
    time.
    """

    def __init__(self) -> None:
        self.fault: Fault | None = None
        self.retry_after = "120"
        self.holes: set[datetime] = set()
        self.day = datetime(2026, 4, 21, tzinfo=UTC)
        self.calls: list[Call] = []
        self.url = ""
        self.gone = threading.Event()

    def reset(self) -> None:
        self.fault = None
        self.holes = set()
        self.day = datetime(2026, 4, 21, tzinfo=UTC)
        self.calls = []

    def right(self, call: Call) -> Reply:
        raise NotImplementedError

    def empty(self, call: Call) -> Reply:
        raise NotImplementedError

    def answer(self, call: Call) -> Reply:
        self.calls.append(call)
        match self.fault:
            case Fault.SILENT:
                self.gone.wait(5)
                return Reply(b"")
            case Fault.EMPTY:
                return self.empty(call)
            case Fault.MALFORMED:
                whole = self.right(call).body
                return Reply(whole[: len(whole) // 2])
            case Fault.BUSY:
                return Reply(b"slow down", 429, {"Retry-After": self.retry_after})
            case Fault.BROKEN:
                return Reply(b"<h1>Service unavailable</h1>", 503)
            case Fault.ENDLESS:
                return Reply(b" " * (3 * 1024 * 1024))
            case Fault.PACKED:
                return Reply(b"\x1f\x8b", 200, {"Content-Encoding": "gzip"})
            case Fault.MOVED:
                return Reply(b"", 302, {"Location": "http://127.0.0.1:1/"})
        return self.right(call)


@contextmanager
def running(server: FeedServer) -> Iterator[FeedServer]:
    """Serve until the block ends."""
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), _handler(server))
    httpd.daemon_threads = True
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    server.url = f"http://127.0.0.1:{httpd.server_address[1]}"
    try:
        yield server
    finally:
        server.gone.set()
        httpd.shutdown()
        httpd.server_close()
        thread.join()


def _handler(server: FeedServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._reply("")

        def do_POST(self) -> None:
            self._reply(self.rfile.read(int(self.headers.get("Content-Length", 0))).decode())

        def _reply(self, body: str) -> None:
            parts = urlsplit(self.path)
            call = Call(self.command, parts.path, _single(parts.query), dict(self.headers), _single(body))
            reply = server.answer(call)
            try:
                self.send_response(reply.status)
                for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(reply.body)
            except OSError:
                self.close_connection = True  # Whoever asked has gone.

        def log_message(self, *_: Any) -> None:
            """Not on the test's output."""

    return Handler


def _single(text: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(text, keep_blank_values=True).items()}
