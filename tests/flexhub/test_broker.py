from __future__ import annotations

import pytest
import redis
from kombu import Connection

QUEUE = "tasks"


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


def _refused() -> None:
    raise redis.ConnectionError("refused")
