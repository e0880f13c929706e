from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from cem_service.feeds.sdk import AuthGone, FeedError, Line, Refused, Transient
from cem_service.feeds.sdk.http import LONGEST_WAIT, _Judged
from tests.simulators.feed_server import Call, Fault, FeedServer, Reply, running
from tests.support.clock import FixedClock


class Echo(FeedServer):
    """Answers with the status that the path names."""

    def __init__(self) -> None:
        super().__init__()
        self.headers: dict[str, str] = {}

    def right(self, call: Call) -> Reply:
        return Reply(b"the answer", int(call.path.rpartition("/")[2]), self.headers)


@pytest.fixture(scope="module")
def server() -> Iterator[Echo]:
    echo = Echo()
    with running(echo):
        yield echo


@pytest.fixture
def line() -> Iterator[Line]:
    with Line({}, local=True, step_timeout_s=5.0) as line:
        yield line


def test_a_question_arrives_as_it_was_put(server: Echo, line: Line) -> None:
    server.reset()

    body = line.get(f"{server.url}/200", params={"q": "a b"}, headers={"X-Key": "k"}).taken()
    line.post_form(f"{server.url}/200", {"grant_type": "client_credentials"})

    asked, posted = server.calls
    assert body == b"the answer"
    assert (asked.query, asked.headers["X-Key"]) == ({"q": "a b"}, "k")
    assert (posted.method, posted.form) == ("POST", {"grant_type": "client_credentials"})


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, AuthGone),
        (403, AuthGone),
        (404, Refused),
        (302, Refused),
        (408, Transient),
        (425, Transient),
        (429, Transient),
        (500, Transient),
    ],
)
def test_a_status_is_an_error_of_its_kind(server: Echo, line: Line, status: int, error: type[FeedError]) -> None:
    with pytest.raises(error):
        line.get(f"{server.url}/{status}").taken()


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, None),
        ({"Retry-After": "90"}, timedelta(seconds=90)),
        ({"Retry-After": "999999999999"}, LONGEST_WAIT),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "Tue, 21 Apr 2026 10:05:00 GMT"}, timedelta(minutes=5)),
        ({"Retry-After": "Tue, 21 Apr 2026 09:00:00 GMT"}, timedelta()),
        ({"Retry-After": "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"}, None),
    ],
)
def test_patience_is_asked_for_in_seconds_or_by_a_date(
    server: Echo, line: Line, monkeypatch: pytest.MonkeyPatch, headers: dict[str, str], wait: timedelta | None
) -> None:
    its_clock = format_datetime(FixedClock.at().now(), usegmt=True)
    monkeypatch.setattr("http.server.BaseHTTPRequestHandler.date_time_string", lambda self: its_clock)
    server.headers = headers

    with pytest.raises(Transient) as caught:
        line.get(f"{server.url}/429")

    assert caught.value.retry_after == wait


@pytest.mark.parametrize("host", [f"{'a' * 64}.example", "a..example"])
def test_a_name_that_can_be_none_is_not_known(line: Line, host: str) -> None:
    with pytest.raises(Transient, match="name is not known to the DNS"):
        line.get(f"https://{host}/")


def test_no_error_quotes_the_question(server: Echo, line: Line) -> None:
    questions = [f"{server.url}/503", "http://127.0.0.1:1/", "http://[bad", "ftp://127.0.0.1/", "http://name.invalid/"]
    for url in [*questions, "http://xn--a.example/"]:
        with pytest.raises(FeedError) as caught:
            line.get(url, params={"securityToken": "cafe"})
        assert "cafe" not in str(caught.value)
        assert "127.0.0.1" not in str(caught.value)


class TestAddresses:
    """What a tenant enters must not lead into our own network, whatever its name resolves to."""

    @pytest.fixture(autouse=True)
    def names(self, monkeypatch: pytest.MonkeyPatch) -> None:
        both = ["169.254.169.254", "93.184.216.34"]
        # The second is "straße" in the encoding of today; in that of 2003, which Python has, it would be "strasse".
        addresses = {"inside.example": ["10.0.0.7", "::1"], "both.example": both, "xn--strae-oqa.example": both}

        def resolve(host: str, *_: Any, **__: Any) -> list[Any]:
            return [(None, None, None, "", (address, 0)) for address in addresses[host]]

        monkeypatch.setattr(socket, "getaddrinfo", resolve)

    def test_an_address_of_our_own_network_is_refused(self) -> None:
        with Line({}, local=False) as line, pytest.raises(Refused, match="not at an address of the public Internet"):
            line.get("https://inside.example/")

    def test_without_tls_nobody_is_asked(self) -> None:
        with Line({}, local=False) as line, pytest.raises(Refused, match="over https only"):
            line.get("http://both.example/")

    @pytest.mark.parametrize("name", ["both.example", "xn--strae-oqa.example"])
    def test_the_connection_goes_to_the_address_that_was_judged_under_its_name(self, name: str) -> None:
        seen: list[httpx.Request] = []

        def answer(request: httpx.Request) -> httpx.Response:
            seen.append(request)
            return httpx.Response(200)

        judged = _Judged(httpx.MockTransport(answer), local=False)

        httpx.Client(transport=judged).get(f"https://{name}/path")

        (request,) = seen
        assert request.url.host == "93.184.216.34"
        assert request.headers["Host"] == name
        assert request.extensions["sni_hostname"] == name


@pytest.mark.parametrize("fault", [Fault.ENDLESS, Fault.PACKED])
def test_what_is_too_much_is_not_read(server: Echo, line: Line, fault: Fault) -> None:
    server.fault = fault
    try:
        with pytest.raises(Transient):
            line.get(f"{server.url}/200")
    finally:
        server.fault = None
