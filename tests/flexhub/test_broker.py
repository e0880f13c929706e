from __future__ import annotations

import ssl
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from celery import Celery
from kombu import Connection
from kombu.exceptions import OperationalError

from flexhub import celery
from flexhub.broker import celery_settings
from tests.support.redis_servers import GuardedRedis, running_sentinel

QUEUE = "tasks"
SENTINELS = "rediss+sentinel://:p%40ss@one:1,two/hub/2?ssl_ca_certs=/ca.pem&sentinel_password=other"


@pytest.fixture
def guarded() -> Iterator[GuardedRedis]:
    with running_sentinel() as servers:
        yield servers


def connect(url: str) -> Connection:
    """As Celery connects with these settings."""
    return Celery(
        set_as_current=False, config_source=celery_settings(url, {"socket_timeout": 10})
    ).connection_for_write()


def test_one_server_is_left_to_kombu() -> None:
    settings = celery_settings("redis://:secret@one:6379/2", {"socket_timeout": 10})

    assert settings == {
        "broker_url": "redis://:secret@one:6379/2",
        "broker_transport": "flexhub.broker:Transport",
        "broker_transport_options": {"socket_timeout": 10},
    }


def test_sentinels_are_named_as_kombu_names_them() -> None:
    settings = celery_settings(SENTINELS, {"socket_timeout": 10})

    assert settings["broker_url"] == (
        "sentinel://:p%40ss@one:1/2?ssl_ca_certs=%2Fca.pem;sentinel://:p%40ss@two:26379/2?ssl_ca_certs=%2Fca.pem"
    )
    options = settings["broker_transport_options"]
    assert (options["socket_timeout"], options["master_name"]) == (10, "hub")
    assert options["sentinel_kwargs"]["password"] == "other"
    assert settings["broker_transport"] == "flexhub.broker:SentinelTransport"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("rediss://one/0", {"ssl_cert_reqs": ssl.CERT_REQUIRED}),
        ("rediss://one/0?ssl_ca_certs=/ca.pem", {"ssl_ca_certs": "/ca.pem"}),
        (SENTINELS, {"ssl_ca_certs": "/ca.pem"}),
        ("redis://one/0", False),
    ],
)
def test_tls_is_spoken_where_the_address_says_so(url: str, expected: object) -> None:
    ssl_options: Any = connect(url).ssl

    assert ssl_options == expected


def test_who_sends_is_hardly_held_up_while_the_broker_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    options = celery.app.conf.broker_transport_options
    pauses: list[float] = []
    monkeypatch.setattr("kombu.utils.functional.sleep", pauses.append)

    with (
        Celery(set_as_current=False, config_source=celery_settings("redis://127.0.0.1:1/0", options)) as sender,
        pytest.raises(OperationalError),
    ):
        sender.send_task("any", retry=False)

    assert 0 < sum(pauses) < 1


def test_tasks_find_the_new_master(guarded: GuardedRedis) -> None:
    with connect(guarded.url) as connection:
        queue = connection.SimpleQueue(QUEUE)
        queue.put("work")
        guarded.replicated()

        guarded.fail_over()

        with connect(guarded.url) as other:
            other.ensure_connection(max_retries=100, interval_start=1, interval_step=0, timeout=30)
            assert other.SimpleQueue(QUEUE).get(timeout=10).payload == "work"


def test_a_channel_that_outlives_its_connection_hands_its_tasks_back(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = Connection(redis_url, transport="flexhub.broker:Transport")
    channel = connection.default_channel
    queue = connection.SimpleQueue(QUEUE)
    queue.put("work")
    queue.get(timeout=10)
    with monkeypatch.context() as outage:
        # What Celery does when it has lost Redis: it gives the connection up, and its channel cannot be closed.
        outage.setattr(channel, "close", _refused)
        connection.collect()

    connection.release()

    with Connection(redis_url) as other:
        assert other.SimpleQueue(QUEUE).get(timeout=10).payload == "work"


def test_a_channel_asks_by_one_client_until_its_connections_are_given_up(redis_url: str) -> None:
    with Connection(redis_url, transport="flexhub.broker:Transport") as connection:
        channel: Any = connection.default_channel
        with channel.conn_or_acquire() as first, channel.conn_or_acquire() as second:
            assert first is second is not channel.client

        channel._disconnect_pools()

        with channel.conn_or_acquire() as third:
            assert third is not first
            assert third.connection_pool is channel.pool


def _refused() -> None:
    raise redis.ConnectionError("refused")
