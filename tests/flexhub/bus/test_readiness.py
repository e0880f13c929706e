from __future__ import annotations

import pytest
from django.test import override_settings

from flexhub.bus import BusUnavailable
from flexhub.bus.readiness import ask_redis
from tests.support.redis_servers import RedisCluster


@pytest.mark.usefixtures("redis_url")
def test_one_server_that_answers_is_ready() -> None:
    ask_redis()


def test_a_cluster_that_answers_is_ready(cluster: RedisCluster) -> None:
    with override_settings(REDIS_URL=cluster.url):
        ask_redis()


@pytest.mark.parametrize(
    "url", ["redis://127.0.0.1:1/0", "redis+cluster://127.0.0.1:1", "redis+sentinel://127.0.0.1:1/hub"]
)
def test_what_does_not_answer_is_not_ready(url: str) -> None:
    with override_settings(REDIS_URL=url), pytest.raises(BusUnavailable):
        ask_redis()
