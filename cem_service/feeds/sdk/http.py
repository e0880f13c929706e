"""The way to a provider over HTTP: limited in time and size, and never into our own network.

One call is one try. Trying again is the business of the schedule, which knows when a provider is due again and what it
has said of waiting; a thread that slept between two tries would be one less for the others.

A tenant may say where its OpenADR server is, so each name is resolved here, and the connection goes to the very address
that was judged: a name that leads elsewhere a moment later (DNS rebinding) gains nothing by it.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from typing import Self

import httpx

from cem_service.feeds.sdk.deadline import TimedTransport
from cem_service.feeds.sdk.errors import AuthGone, Refused, Transient
from tenants.internet import is_public

#: For connecting and for each read.
STEP_TIMEOUT_S = 10.0
#: For all calls of a fetch together.
FETCH_TIMEOUT_S = 25.0
#: Two days of ENTSO-E's XML in quarter hours are some 60 kB.
MOST_BYTES = 2 * 1024 * 1024
#: A provider that asks for more patience than this is asked again all the same.
LONGEST_WAIT = timedelta(hours=24)

_AGENT = {"User-Agent": "Flexhub", "Accept-Encoding": "identity"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, other than an error that says enough by itself."""

    status: int
    body: bytes

    def taken(self) -> bytes:
        """The body of a success. Raises Refused."""
        if self.status // 100 != 2:
            raise Refused(f"the provider answers with status {self.status}")
        return self.body


class Line:
    """The way to one provider, for one fetch. `local` allows addresses that are not of the public Internet."""

    def __init__(self, endpoints: Mapping[str, str], *, local: bool, step_timeout_s: float = STEP_TIMEOUT_S) -> None:
        self.endpoints = endpoints
        self._ends_s = time.monotonic() + FETCH_TIMEOUT_S
        self._client = httpx.Client(
            transport=_Judged(TimedTransport(self._ends_s), local=local),
            timeout=step_timeout_s,
            headers=_AGENT,
            follow_redirects=False,
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(
        self, url: str, *, params: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Raises Transient and AuthGone; any other status is for the caller to judge."""
        return self._ask("GET", url, params=params, headers=headers)

    def post_form(self, url: str, form: Mapping[str, str]) -> Answer:
        """As `get`, with a form in the body."""
        return self._ask("POST", url, data=form)

    def _ask(self, method: str, url: str, **said: Mapping[str, str] | None) -> Answer:
        _check_time(self._ends_s)
        try:
            with self._client.stream(method, url, **said) as response:  # type: ignore[arg-type]  # Each name fits.
                _judge(response)
                return Answer(response.status_code, _whole(response))
        except httpx.TimeoutException:
            raise Transient("the provider did not answer in time") from None
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            # The last is of a host that can be no name. The text may hold the URL, and the URL a credential.
            raise Transient(f"the provider cannot be reached ({type(error).__name__})") from None


class _Judged(httpx.BaseTransport):
    """Connects to the address that was judged; certificates are still for the name."""

    def __init__(self, inner: httpx.BaseTransport, *, local: bool) -> None:
        self._inner = inner
        self._local = local

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        # As it is sent: put into letters and back, the name of one host may become that of another.
        host = request.url.raw_host.decode("ascii")
        if request.url.scheme != "https" and not self._local:
            raise Refused("a provider is asked over https only")
        request.extensions["sni_hostname"] = host
        request.url = request.url.copy_with(host=self._address(host))
        return self._inner.handle_request(request)

    def close(self) -> None:
        self._inner.close()

    def _address(self, host: str) -> str:
        try:
            found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise Transient("the provider's name is not known to the DNS") from None
        allowed = [str(each[4][0]) for each in found if self._local or is_public(ip_address(str(each[4][0])))]
        if not allowed:
            raise Refused("the provider is not at an address of the public Internet")
        return allowed[0]


def _judge(response: httpx.Response) -> None:
    match response.status_code:
        case 401 | 403:
            raise AuthGone("the provider does not accept the credential")
        case 429:
            raise Transient("the provider asks us to wait", retry_after=_retry_after(response))
        # Also where a request came too slowly for the provider, or too early (RFC 9110, 15.5.9, and RFC 8470).
        case status if status in {408, 425} or status >= 500:
            raise Transient(f"the provider answers with status {status}", retry_after=_retry_after(response))


def _retry_after(response: httpx.Response) -> timedelta | None:
    """RFC 9110, 10.2.3: seconds, or a date, which is compared with the provider's own clock."""
    text = response.headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return min(timedelta(seconds=int(text[:9])), LONGEST_WAIT)
    until = _date(text)
    if until is None:
        return None
    its_now = _date(response.headers.get("Date", "")) or datetime.now(UTC)
    return min(max(until - its_now, timedelta()), LONGEST_WAIT)


def _date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (OverflowError, TypeError, ValueError):
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _whole(response: httpx.Response) -> bytes:
    """Raises Transient."""
    body = bytearray()
    # Unpacked, a few bytes may become very many, so the answer is asked for as it is and read as it comes.
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise Transient("the answer is packed, which nobody asked for")
    for chunk in response.iter_raw(16_384):
        body += chunk
        if len(body) > MOST_BYTES:
            raise Transient(f"the answer has more than {MOST_BYTES} bytes")
    return bytes(body)


def _check_time(ends_s: float) -> None:
    if time.monotonic() > ends_s:
        raise Transient("the provider took too long")
