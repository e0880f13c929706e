"""A way to a server that ends at a moment, however slowly the server speaks.

httpx limits connecting and each read, and starts anew with every byte that comes. Who sends one now and then, in its
headers or its body, would hold a thread for ever; and the servers of some feeds are named by tenants.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from ssl import SSLContext
from typing import Any

import httpcore
import httpx


class TimedTransport(httpx.HTTPTransport):
    """Raises httpx.TimeoutException once `ends_s`, by the monotonic clock, has come. It uses no proxy."""

    def __init__(self, ends_s: float) -> None:
        context = httpx.create_ssl_context(trust_env=False)
        super().__init__(verify=context, trust_env=False)
        # httpx itself has no way in for a network of one's own.
        self._pool = httpcore.ConnectionPool(ssl_context=context, network_backend=_TimedNetwork(ends_s))


class _TimedNetwork(httpcore.SyncBackend):
    def __init__(self, ends_s: float) -> None:
        self._ends_s = ends_s

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        timeout = _at_most(timeout, self._ends_s)
        return _TimedStream(super().connect_tcp(host, port, timeout, local_address, socket_options), self._ends_s)


class _TimedStream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream, ends_s: float) -> None:
        self._inner = inner
        self._ends_s = ends_s

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _at_most(timeout, self._ends_s))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, _at_most(timeout, self._ends_s))

    def start_tls(
        self, ssl_context: SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        timeout = _at_most(timeout, self._ends_s)
        return _TimedStream(self._inner.start_tls(ssl_context, server_hostname, timeout), self._ends_s)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)

    def close(self) -> None:
        self._inner.close()


def _at_most(timeout_s: float | None, ends_s: float) -> float:
    """What is left of the time, in seconds. Raises httpcore.ReadTimeout."""
    left_s = ends_s - time.monotonic()
    if left_s <= 0:
        raise httpcore.ReadTimeout
    return left_s if timeout_s is None else min(timeout_s, left_s)
