from __future__ import annotations

import pytest

from flexhub.env import Env, EnvironmentVariableError
from flexhub.redis_urls import passwords_in, redis_urls

SERVER = "redis://:secret@one:6379/0"
SENTINELS = "redis+sentinel://:secret@one:26379,two:26379/hub/0"
CLUSTER = "redis+cluster://:secret@one:6379,two:6379"


@pytest.mark.parametrize("url", [SERVER, SENTINELS])
def test_celery_uses_the_redis_of_the_bus_where_it_can(url: str) -> None:
    assert redis_urls(Env({"REDIS_URL": url})) == (url, url)


@pytest.mark.parametrize("url", [SERVER, SENTINELS, CLUSTER])
def test_celery_may_have_a_redis_of_its_own(url: str) -> None:
    given = {"REDIS_URL": url, "CELERY_BROKER_URL": "redis://queues:6379/1"}

    assert redis_urls(Env(given)) == (url, "redis://queues:6379/1")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, r"^REDIS_URL is not set\. For example redis://localhost:6379/0; .*"),
        ({"REDIS_URL": "localhost:6379"}, r"^REDIS_URL cannot be read: it must be redis://host:6379/0, .*"),
        (
            {"REDIS_URL": "redis+sentinel://one"},
            r"^REDIS_URL cannot be read: Sentinels are asked .* redis\+sentinel://",
        ),
        ({"REDIS_URL": CLUSTER}, r"^CELERY_BROKER_URL is not set, .*Cluster of REDIS_URL\. It must be one server"),
        ({"REDIS_URL": SERVER, "CELERY_BROKER_URL": CLUSTER}, r"^CELERY_BROKER_URL must not be a Redis Cluster"),
        ({"REDIS_URL": SERVER, "CELERY_BROKER_URL": "amqp://one"}, r"^CELERY_BROKER_URL cannot be read: it must be"),
    ],
)
def test_what_cannot_work_is_named_with_what_would(given: dict[str, str], message: str) -> None:
    with pytest.raises(EnvironmentVariableError, match=message) as caught:
        redis_urls(Env(given))

    assert "secret" not in str(caught.value)


def test_finds_the_passwords_to_take_out_of_logs() -> None:
    url = "redis+sentinel://:ge%2Fheim@one/hub/0?sentinel_password=pss%21t"

    assert passwords_in(url, SERVER, "redis://one:6379/0") == ["ge%2Fheim", "ge/heim", "pss!t", "secret"]
