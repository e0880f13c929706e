"""Django's cache over one real Redis."""

from __future__ import annotations

import pytest
import redis
from django.core.cache import caches
from django.core.cache.backends.base import BaseCache

from flexhub.bus import BusUnavailable
from flexhub.bus.cache import BusCache


@pytest.fixture
def cache(redis_url: str) -> BusCache:
    return BusCache("", {"KEY_PREFIX": "fh:cache"})


def test_is_the_cache_of_this_project() -> None:
    assert isinstance(caches["default"], BusCache)


def test_keeps_what_json_knows(cache: BusCache) -> None:
    cache.set("attempts", [1700000000.5, 1700000001.25])
    cache.set("name", "ü")

    assert cache.get("attempts") == [1700000000.5, 1700000001.25]
    assert cache.get_many(["name", "nothing"]) == {"name": "ü"}
    assert cache.get("nothing", "default") == "default"


def test_refuses_what_json_does_not_know(cache: BusCache) -> None:
    with pytest.raises(TypeError):
        cache.set("thing", object())


def test_adds_only_what_is_not_there(cache: BusCache) -> None:
    assert cache.add("code", 1)
    assert not cache.add("code", 2)
    assert cache.get("code") == 1

    assert cache.delete("code")
    assert not cache.delete("code")
    assert cache.add("code", 2)


def test_lets_values_expire(cache: BusCache, redis_url: str) -> None:
    cache.set("short", 1, timeout=0.5)
    cache.set("long", 1, timeout=None)
    cache.set("usual", 1)
    cache.set("gone", 1)
    cache.set("gone", 1, timeout=0)

    with redis.Redis.from_url(redis_url) as client:
        assert 0 < client.pttl("fh:cache:1:short") <= 500
        assert client.pttl("fh:cache:1:long") == -1
        assert 0 < client.pttl("fh:cache:1:usual") <= 300_000
        assert cache.touch("long", 60)
        assert 0 < client.pttl("fh:cache:1:long") <= 60_000
        assert cache.touch("long", None)
        assert client.pttl("fh:cache:1:long") == -1
    assert cache.get("gone") is None
    assert not cache.touch("gone")


@pytest.mark.usefixtures("_redis_away")
def test_says_so_when_redis_is_away() -> None:
    away: BaseCache = BusCache("", {})

    with pytest.raises(BusUnavailable):
        away.add("code", 1)
    with pytest.raises(BusUnavailable):
        away.get("code")


@pytest.fixture
def _redis_away(settings: object) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"  # type: ignore[attr-defined]  # pytest-django's fixture.
