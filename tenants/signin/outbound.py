"""Requests to a provider: it was named by a tenant, so it is asked carefully.

Each exchange ends in time, follows nowhere else, reads no more than it needs and, unless the operator allows it, goes
to no address of our own network. The address that is judged is the one that the connection leads to, so a name that
leads elsewhere a moment later (DNS rebinding) gains nothing by it.

Timeouts of sockets begin anew with each byte that comes and with each address that is tried, so who sends a byte now
and then would hold a thread for ever. An exchange has an end of its own, at which its connection is shut down from
beside. Looking up a name alone has no limit but the resolver's own.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from contextvars import ContextVar
from ipaddress import ip_address
from threading import Timer
from time import monotonic
from typing import Any, Self

import requests
from django.conf import settings
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NewConnectionError

from tenants.internet import is_public

# For each step: connecting, and each read.
STEP_TIMEOUT_S = 5.0
# For an exchange as a whole.
WHOLE_TIMEOUT_S = 10.0
# The largest documents are key sets, with some kilobytes.
MAX_ANSWER_BYTES = 256 * 1024


class ProviderSession(requests.Session):
    """Raises requests.RequestException for all that goes wrong."""

    def __init__(self) -> None:
        super().__init__()
        # Neither proxies nor a .netrc of the machine's have anything to do with a tenant's provider.
        self.trust_env = False
        self.mount("https://", _GuardedAdapter())
        self.mount("http://", _GuardedAdapter())

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        if not (request.url or "").startswith("https://") and not settings.SIGN_IN_PROVIDERS_LOCAL:
            raise requests.exceptions.InvalidSchema("a provider is asked over https only")
        kwargs |= {"timeout": STEP_TIMEOUT_S, "stream": True, "allow_redirects": False}
        with _Exchange():
            try:
                with super().send(request, **kwargs) as response:
                    response._content = _whole(response)  # noqa: SLF001 - requests has no limit of its own.
            finally:
                # A connection ends with its exchange, so none is kept for the next.
                self.close()
        if response.is_redirect:
            raise requests.TooManyRedirects("a provider answers at the address that it gave")
        return response

    def get_redirect_target(self, resp: requests.Response) -> None:
        """None: for the address of a next request, requests would read the answer to its end, however long it is."""


def _whole(response: requests.Response) -> bytes:
    """Raises requests.RequestException."""
    body = bytearray()
    for chunk in response.iter_content(8192):
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            raise requests.exceptions.ContentDecodingError("the provider's answer is too long")
    return bytes(body)


class _Exchange:
    """Shuts its connection down when its time is over, whatever is being waited for. Raises requests.Timeout then."""

    def __init__(self) -> None:
        self._ends_s = monotonic() + WHOLE_TIMEOUT_S
        self._watched: socket.socket | None = None
        self._timer = Timer(WHOLE_TIMEOUT_S, self._end)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        self._outer = _EXCHANGE.set(self)
        return self

    def __exit__(self, *_: object) -> None:
        _EXCHANGE.reset(self._outer)
        self._timer.cancel()
        self._timer.join()
        if self._watched is not None:
            self._watched.close()
        # What was shut down may look whole: an answer without a length ends where the connection ends.
        self.left_s()

    def left_s(self) -> float:
        """What is left of the exchange, in seconds. Raises requests.Timeout when nothing is."""
        left_s = self._ends_s - monotonic()
        if left_s <= 0:
            raise requests.Timeout("the provider took too long")
        return left_s

    def watch(self, opened: socket.socket) -> None:
        # TLS takes the socket away from its object; a duplicate still leads to the same connection.
        self._watched = opened.dup()
        self.left_s()

    def _end(self) -> None:
        if self._watched is not None:
            with suppress(OSError):
                self._watched.shutdown(socket.SHUT_RDWR)


_EXCHANGE: ContextVar[_Exchange] = ContextVar("exchange with a provider")


def _opened(connection: HTTPConnection) -> socket.socket:
    """To the first address of its host that answers. Raises requests.Timeout, NewConnectionError."""
    exchange = _EXCHANGE.get()
    failed: Exception = OSError("its name has no address")
    for address in _addresses(connection):
        step_s = min(STEP_TIMEOUT_S, exchange.left_s())
        try:
            opened = socket.create_connection(address, step_s)
        except OSError as error:
            failed = error
        else:
            exchange.watch(opened)
            return opened
    raise NewConnectionError(connection, f"the provider cannot be reached: {failed}") from failed


def _addresses(connection: HTTPConnection) -> list[tuple[str, int]]:
    try:
        found = socket.getaddrinfo(connection.host, connection.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        # The last is of a host that can be no name.
        raise NewConnectionError(connection, f"the provider cannot be found: {error}") from error
    return [(str(address[0]), connection.port) for *_, address in found]


def _judged(connection: HTTPConnection, opened: socket.socket) -> socket.socket:
    """Closes a connection that leads into our own network, before anything is sent on it."""
    address = ip_address(opened.getpeername()[0].partition("%")[0])
    if not settings.SIGN_IN_PROVIDERS_LOCAL and not is_public(address):
        opened.close()
        raise NewConnectionError(connection, "the provider is not at an address of the public Internet")
    return opened


class _GuardedHTTPConnection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _judged(self, _opened(self))


class _GuardedHTTPSConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _judged(self, _opened(self))


class _GuardedHTTPPool(HTTPConnectionPool):
    ConnectionCls = _GuardedHTTPConnection


class _GuardedHTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _GuardedHTTPSConnection


class _GuardedAdapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _GuardedHTTPPool, "https": _GuardedHTTPSPool}
