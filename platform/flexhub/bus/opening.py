"""Opening lines to what an address names. Connections are redis-py's; pools and timeouts are ours and given here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import redis
from redis.asyncio.connection import ConnectionPool as LoopPool
from redis.asyncio.connection import parse_url as parse_for_loop
from redis.asyncio.retry import Retry as LoopRetry
from redis.asyncio.sentinel import Sentinel as LoopSentinel
from redis.asyncio.sentinel import SentinelConnectionPool as LoopSentinelPool
from redis.backoff import NoBackoff
from redis.connection import parse_url as parse_for_threads
from redis.retry import Retry
from redis.sentinel import Sentinel, SentinelConnectionPool

from flexhub.bus.address import Address, parse_address
from flexhub.bus.cluster_line import ClusterLine
from flexhub.bus.cluster_worker_line import ClusterWorkerLine
from flexhub.bus.line import Line, ServerLine
from flexhub.bus.shared_line import SharedLine
from flexhub.bus.wire import Wire
from flexhub.bus.worker_line import ServerWorkerLine, WorkerLine, WorkerWire

Options = dict[str, Any]

# redis-py leaves these four without types.
_loop_sentinel: Callable[..., LoopSentinel] = LoopSentinel
_loop_pool: Callable[..., LoopSentinelPool] = LoopSentinelPool
_sentinel: Callable[..., Sentinel] = Sentinel
_pool: Callable[..., redis.ConnectionPool] = SentinelConnectionPool


def open_line(url: str, *, timeout_s: float) -> Line:
    """For the running event loop. Connects when it is first used. Raises AddressError."""
    address = parse_address(url)
    options = _options_for_loop(timeout_s)
    if address.kind == "cluster":
        return ClusterLine(
            address.nodes,
            lambda node: Wire(LoopPool.from_url(address.url_of(node), **options)),
            timeout_s=timeout_s,
        )
    if address.kind == "sentinel":
        sentinel = _loop_sentinel(address.nodes, sentinel_kwargs=_of_sentinels(address, options, timeout_s))
        pool = _loop_pool(address.master, sentinel, **_of_master(address, options, parse_for_loop))
        return ServerLine(Wire(pool), timeout_s=timeout_s, forget=sentinel.aclose)
    return ServerLine(Wire(LoopPool.from_url(url, **options)), timeout_s=timeout_s)


def open_shared_line(url: str, *, timeout_s: float) -> Line:
    """As `open_line`, for many tasks at once. Raises AddressError."""
    line = open_line(url, timeout_s=timeout_s)
    # Of several servers each has its own order, and what one task asks for must not be overtaken by the next.
    return SharedLine(line) if isinstance(line, ServerLine) else line


def open_worker_line(url: str, *, timeout_s: float, connections: int) -> WorkerLine:
    """Connects when it is first used. Raises AddressError."""
    address = parse_address(url)
    options = _options_for_threads(timeout_s, connections)
    if address.kind == "cluster":
        return ClusterWorkerLine(
            address.nodes,
            lambda node: WorkerWire(redis.ConnectionPool.from_url(address.url_of(node), **options)),
            timeout_s=timeout_s,
            connections=connections,
        )
    if address.kind == "sentinel":
        of_sentinels = _of_sentinels(address, options, timeout_s) | {"max_connections": connections}
        sentinel = _sentinel(address.nodes, sentinel_kwargs=of_sentinels)
        pool = _pool(address.master, sentinel, **_of_master(address, options, parse_for_threads))
        wire = WorkerWire(pool, forget=sentinel.close)
    else:
        wire = WorkerWire(redis.ConnectionPool.from_url(url, **options))
    return ServerWorkerLine(wire, timeout_s=timeout_s, connections=connections)


def _options_for_loop(timeout_s: float) -> Options:
    return {
        # RESP2: no push messages to sort out.
        "protocol": 2,
        # One timeout around an exchange replaces those of each read and write.
        "socket_timeout": None,
        "socket_connect_timeout": timeout_s,
        "socket_keepalive": True,
        "retry": LoopRetry(NoBackoff(), 0),
    }


def _options_for_threads(timeout_s: float, connections: int) -> Options:
    return {
        "max_connections": connections,
        "protocol": 2,
        "socket_timeout": timeout_s,
        "socket_connect_timeout": timeout_s,
        "socket_keepalive": True,
        "decode_responses": True,
        # What is no text must not stop the reading of what is: it is set aside as unreadable.
        "encoding_errors": "replace",
        # One immediate repeat: an idle connection that something closed is no outage.
        "retry": Retry(NoBackoff(), 1),
        "retry_on_error": [redis.ConnectionError],
    }


def _of_sentinels(address: Address, options: Mapping[str, Any], timeout_s: float) -> Options:
    """For the connections to the Sentinels. One of them that is silent leaves time to ask the others."""
    share_s = timeout_s / (len(address.nodes) + 1)
    kept = {name: options[name] for name in ("protocol", "socket_keepalive")}
    no_retry = type(options["retry"])(NoBackoff(), 0)
    times = {"socket_timeout": share_s, "socket_connect_timeout": share_s}
    return {**kept, **times, **address.sentinel_login, "retry": no_retry}


def _of_master(address: Address, options: Mapping[str, Any], parse: Any) -> Options:
    """For the connections to the master, wherever it is: all that the address says but host and port."""
    parsed = dict(parse(address.url_of(address.nodes[0])))
    encrypted = parsed.pop("connection_class", None) is not None
    parsed = {name: value for name, value in parsed.items() if name not in ("host", "port")}
    return {**options, **parsed, "ssl": encrypted}
