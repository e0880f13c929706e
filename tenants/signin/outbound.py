"""Requests to a provider: it was named by a tenant, so it is asked carefully.

Each exchange ends in time, follows nowhere else, reads no more than it needs and, unless the operator allows it, goes
to no address of our own network. The address that is judged is the one that the connection leads to, so a name that
leads elsewhere a moment later (DNS rebinding) gains nothing by it.
"""

from __future__ import annotations

import socket
import time
from ipaddress import ip_address
from typing import Any

import requests
from django.conf import settings
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NewConnectionError

from tenants.internet import is_public

# For each step: connecting, and each read.
STEP_TIMEOUT_S = 5.0
# For an answer as a whole; who sends a byte now and then would hold a thread for ever otherwise.
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
        with super().send(request, **kwargs) as response:
            response._content = _whole(response)  # noqa: SLF001 - requests has no limit of its own.
        if response.is_redirect:
            raise requests.TooManyRedirects("a provider answers at the address that it gave")
        return response

    def get_redirect_target(self, resp: requests.Response) -> None:
        """None: for the address of a next request, requests would read the answer to its end, however long it is."""


def _whole(response: requests.Response) -> bytes:
    """Raises requests.RequestException."""
    body = bytearray()
    ends = time.monotonic() + WHOLE_TIMEOUT_S
    for chunk in response.iter_content(8192):
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            raise requests.exceptions.ContentDecodingError("the provider's answer is too long")
        if time.monotonic() > ends:
            raise requests.Timeout("the provider's answer took too long")
    return bytes(body)


def _judged(connection: HTTPConnection, opened: socket.socket) -> socket.socket:
    """Closes a connection that leads into our own network, before anything is sent on it."""
    address = ip_address(opened.getpeername()[0].partition("%")[0])
    if not settings.SIGN_IN_PROVIDERS_LOCAL and not is_public(address):
        opened.close()
        raise NewConnectionError(connection, "the provider is not at an address of the public Internet")
    return opened


class _GuardedHTTPConnection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _judged(self, super()._new_conn())


class _GuardedHTTPSConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _judged(self, super()._new_conn())


class _GuardedHTTPPool(HTTPConnectionPool):
    ConnectionCls = _GuardedHTTPConnection


class _GuardedHTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _GuardedHTTPSConnection


class _GuardedAdapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _GuardedHTTPPool, "https": _GuardedHTTPSPool}
