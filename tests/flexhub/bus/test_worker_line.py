"""The workers' connections to one real Redis, shared by threads."""

from __future__ import annotations

from threading import Event, Thread

import pytest
import redis

from flexhub.bus import BusUnavailable
from flexhub.bus.opening import open_worker_line
from flexhub.bus.scripts import REGISTER
from flexhub.bus.worker_line import Turns


def test_answers_come_in_order(redis_url: str) -> None:
    line = open_worker_line(redis_url, timeout_s=5, connections=1)

    replies = line.exchange([("SET", "a", "ü"), ("GET", "a")], then=[("GET", "b"), ("INCR", "n")])
    line.close()

    assert replies == [True, "ü", None, 1]


def test_nothing_to_ask_is_no_round_trip() -> None:
    assert open_worker_line("redis://127.0.0.1:1/0", timeout_s=5, connections=1).exchange([]) == []


def test_scripts_that_redis_forgot_are_loaded_and_run(redis_url: str) -> None:
    line = open_worker_line(redis_url, timeout_s=5, connections=1)
    with redis.Redis.from_url(redis_url) as client:
        client.script_flush()

    replies = line.exchange([("SET", "a", 1), REGISTER.call(["zset"], "one", 10), ("GET", "a")])
    line.close()

    assert replies == [True, None, "1"]


def test_an_error_from_redis_is_no_answer(redis_url: str) -> None:
    line = open_worker_line(redis_url, timeout_s=5, connections=1)

    with pytest.raises(BusUnavailable, match="WRONGTYPE"):
        line.exchange([("SET", "a", 1), ("HGET", "a", "b")])

    assert line.exchange([("GET", "a")]) == ["1"]
    line.close()


def test_whoever_is_interrupted_leaves_no_answers_to_the_next(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    line = open_worker_line(redis_url, timeout_s=5, connections=1)
    line.exchange([("SET", "a", 0)])
    with monkeypatch.context() as interruption:
        interruption.setattr(redis.connection.AbstractConnection, "read_response", _interrupted)
        with pytest.raises(KeyboardInterrupt):
            line.exchange([("SET", "a", 1), ("GET", "a")])

    assert line.exchange([("GET", "b"), ("GET", "a")]) == [None, "1"]
    line.close()


def test_what_is_no_text_is_read_all_the_same(redis_url: str) -> None:
    line = open_worker_line(redis_url, timeout_s=5, connections=1)

    assert line.exchange([("SET", "a", b"\xff"), ("GET", "a")]) == [True, "\ufffd"]
    line.close()


def test_whoever_finds_all_connections_in_use_gives_up_in_time() -> None:
    turns = Turns(1, timeout_s=0.01)

    with turns.one(), pytest.raises(BusUnavailable, match="all 1 connections"), turns.one():
        pass
    with turns.one():
        pass


def test_threads_wait_for_a_free_connection(redis_url: str) -> None:
    line = open_worker_line(redis_url, timeout_s=5, connections=1)
    begun = Event()
    replies: list[object] = []

    def wait_for_an_entry() -> None:
        begun.set()
        replies.extend(line.exchange([("XREAD", "BLOCK", 200, "STREAMS", "nothing", "0")]))

    waiting = Thread(target=wait_for_an_entry)
    waiting.start()
    begun.wait()

    replies += line.exchange([("SET", "a", 1)])
    waiting.join()
    line.close()

    assert len(replies) == 2
    assert True in replies


def _interrupted(*_: object) -> None:
    raise KeyboardInterrupt
