"""Token buckets over a real Redis; its clock is real, so windows are chosen so long or so short that it matters not."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
import redis

from flexhub.api.buckets import Buckets, Quota
from flexhub.bus.opening import open_worker_line

LONG = 3600


@pytest.fixture
def buckets(redis_url: str) -> Iterator[Buckets]:
    buckets = Buckets(open_worker_line(redis_url, timeout_s=5, connections=2))
    yield buckets
    buckets.close()


def test_gives_as_many_units_as_the_quota_has_and_then_none(buckets: Buckets) -> None:
    quota = Quota("client", limit=3, window_s=LONG)

    readings = [buckets.take([("alder", quota)])[0] for _ in range(5)]

    assert [reading.taken for reading in readings] == [True, True, True, False, False]
    assert [reading.remaining for reading in readings] == [2, 1, 0, 0, 0]


def test_says_when_a_refused_unit_can_be_had(buckets: Buckets) -> None:
    quota = Quota("client", limit=3, window_s=LONG)
    for _ in range(3):
        (full_again,) = buckets.take([("alder", quota)])

    (refused,) = buckets.take([("alder", quota)])

    assert LONG - 60 < full_again.wait_s <= LONG
    assert LONG / 3 - 60 < refused.wait_s <= LONG / 3


def test_fills_evenly(buckets: Buckets) -> None:
    """A thousand units a second: by the time of the next exchange there is one again."""
    quota = Quota("client", limit=1000, window_s=1)

    assert all(buckets.take([("alder", quota)])[0].taken for _ in range(50))


def test_buckets_do_not_get_in_each_others_way(buckets: Buckets) -> None:
    quota = Quota("client", limit=1, window_s=LONG)
    buckets.take([("alder", quota)])

    alder, birch = buckets.take([("alder", quota), ("birch", quota)])

    assert (alder.taken, birch.taken) == (False, True)


def test_a_quota_that_was_lowered_counts_from_now_on(buckets: Buckets) -> None:
    for _ in range(5):
        buckets.take([("alder", Quota("client", limit=10, window_s=LONG))])

    (reading,) = buckets.take([("alder", Quota("client", limit=1, window_s=LONG))])

    assert not reading.taken


def test_a_quota_of_nothing_allows_nothing(buckets: Buckets) -> None:
    (reading,) = buckets.take([("alder", Quota("client", limit=0, window_s=LONG))])

    assert (reading.taken, reading.remaining, reading.wait_s) == (False, 0, LONG)


def test_says_how_much_was_taken_without_taking_any(buckets: Buckets) -> None:
    quota = Quota("client", limit=10, window_s=LONG)
    for _ in range(3):
        buckets.take([("alder", quota)])

    assert [buckets.missing([("alder", quota), ("birch", quota)]) for _ in range(2)] == [[3, 0], [3, 0]]


def test_leaves_nothing_behind_once_a_bucket_is_full(buckets: Buckets, redis_url: str) -> None:
    buckets.take([("alder", Quota("client", limit=3, window_s=LONG))])

    with redis.Redis.from_url(redis_url, socket_timeout=5) as client:
        (key,) = client.keys("fh:*bucket")
        ttl_s = client.ttl(key)
    assert 0 < ttl_s <= LONG / 3


def test_without_redis_nothing_is_limited_and_the_log_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    nowhere = Buckets(open_worker_line("redis://127.0.0.1:1/0", timeout_s=0.2, connections=1))
    quota = Quota("client", limit=1, window_s=LONG)

    with caplog.at_level(logging.WARNING):
        assert [nowhere.take([("alder", quota)]) for _ in range(5)] == [[]] * 5

    assert [record.message.partition(":")[0] for record in caplog.records] == ["calls of the API are not limited"]


def test_asks_again_after_a_pause(monkeypatch: pytest.MonkeyPatch, redis_url: str) -> None:
    time_s = 1000.0
    monkeypatch.setattr("flexhub.api.buckets.time.monotonic", lambda: time_s)
    line = open_worker_line("redis://127.0.0.1:1/0", timeout_s=0.2, connections=1)
    buckets = Buckets(line)
    quota = [("alder", Quota("client", limit=1, window_s=LONG))]
    buckets.take(quota)
    buckets._line = open_worker_line(redis_url, timeout_s=5, connections=1)

    assert buckets.take(quota) == []
    time_s += 6
    assert [reading.taken for reading in buckets.take(quota)] == [True]
    buckets.close()
    line.close()
