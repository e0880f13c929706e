"""Celery's way to Redis: from an address of ours to kombu's, with two faults of the library put right.

When a worker loses Redis while a task is not yet acknowledged, kombu takes the address from the transport that it gives
up and only then asks the old channel to hand the task back, which needs the address: an AttributeError that Celery
takes for unrecoverable, so the worker ends just when it should wait for Redis.

For each command, of which a task takes three, kombu makes a client of redis-py, which takes longer than the command.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from kombu import Connection
from kombu.transport import redis

from flexhub.bus.address import Address, parse_address

# A Sentinel that does not answer is passed over after this long.
SENTINEL_TIMEOUT_S = 2.0


class _KeepsAddress:
    """A transport that keeps the address for as long as it lives."""

    _address: Connection | None = None

    @property
    def client(self) -> Connection | None:
        return self._address

    @client.setter
    def client(self, address: Connection | None) -> None:
        if address is not None:
            self._address = address


class _Channel(redis.Channel):
    """Keeps its client for as long as the pool of connections that it takes them from."""

    _kept: Any = None

    def _create_client(self, asynchronous: bool = False) -> Any:
        create: Callable[..., Any] = super()._create_client  # type: ignore[misc] # The stubs leave it out.
        if asynchronous:
            return create(asynchronous=True)
        # After a fork, and after an outage, there is another pool.
        if self._kept is None or self._kept.connection_pool is not self.pool:
            self._kept = create()
        return self._kept


class _SentinelChannel(_Channel, redis.SentinelChannel):
    """As above."""


class Transport(_KeepsAddress, redis.Transport):
    """To one server."""

    Channel = _Channel


class SentinelTransport(_KeepsAddress, redis.SentinelTransport):
    """To the master that Sentinels name."""

    Channel = _SentinelChannel


def celery_settings(url: str, transport_options: dict[str, Any]) -> dict[str, Any]:
    """Celery's settings for a broker at one of our addresses that is no Cluster. Raises AddressError."""
    address = parse_address(url)
    settings: dict[str, Any] = {
        "broker_url": url,
        "broker_transport": "flexhub.broker:Transport",
        "broker_transport_options": transport_options,
    }
    if urlsplit(url).scheme.startswith("rediss"):
        # The scheme alone does not make kombu talk TLS. Options of the address (`ssl_ca_certs`) take this one's place.
        settings["broker_use_ssl"] = {"ssl_cert_reqs": ssl.CERT_REQUIRED}
    if address.kind == "sentinel":
        timeouts = {"socket_timeout": SENTINEL_TIMEOUT_S, "socket_connect_timeout": SENTINEL_TIMEOUT_S}
        settings |= {
            "broker_url": _of_sentinels(address),
            "broker_transport": "flexhub.broker:SentinelTransport",
            "broker_transport_options": transport_options
            | {"master_name": address.master, "sentinel_kwargs": timeouts | address.sentinel_login},
        }
    return settings


def _of_sentinels(address: Address) -> str:
    # The login and the database with each, since kombu takes one for the other when it cannot connect.
    urls = (urlsplit(address.url_of(node)) for node in address.nodes)
    return ";".join(each._replace(scheme="sentinel").geturl() for each in urls)
