"""Which Redis is for the bus and which for Celery's queues, as the environment says."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from flexhub.bus.address import Address, AddressError, parse_address
from flexhub.env import Env, EnvironmentVariableError

_HINT = "For example redis://localhost:6379/0; `make demo` starts one by itself."
_BROKERS = "one server or Sentinels, such as redis://host:6379/0"


def redis_urls(env: Env) -> tuple[str, str]:
    """REDIS_URL and CELERY_BROKER_URL, which is the former where nothing else is said.

    Celery's queues are several keys that kombu touches at once, so they cannot be on a Cluster. Raises
    EnvironmentVariableError.
    """
    bus = env.text("REDIS_URL", hint=_HINT)
    on_cluster = _parsed("REDIS_URL", bus).kind == "cluster"
    broker = env.text("CELERY_BROKER_URL", "")
    if not broker:
        if on_cluster:
            raise EnvironmentVariableError(
                "CELERY_BROKER_URL is not set, and Celery's queues cannot be on the Redis Cluster of REDIS_URL. "
                f"It must be {_BROKERS}."
            )
        return bus, bus
    if _parsed("CELERY_BROKER_URL", broker).kind == "cluster":
        raise EnvironmentVariableError(f"CELERY_BROKER_URL must not be a Redis Cluster, but {_BROKERS}.")
    return bus, broker


def passwords_in(*urls: str) -> list[str]:
    """Those for the servers and for their Sentinels, as they are written and as they are meant."""
    found = []
    for url in urls:
        address = parse_address(url)
        written = urlsplit(address.url).password or ""
        found += [written, unquote(written), address.sentinel_login.get("password", "")]
    return sorted(set(filter(None, found)))


def _parsed(name: str, url: str) -> Address:
    try:
        return parse_address(url)
    except AddressError as error:
        raise EnvironmentVariableError(f"{name} cannot be read: {error}.") from None
