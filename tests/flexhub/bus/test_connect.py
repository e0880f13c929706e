from __future__ import annotations

from threading import Event, Thread

import pytest
from django.test import override_settings

from flexhub.bus import BusUnavailable
from flexhub.bus.connect import connect_gateway, connect_worker
from flexhub.bus.opening import open_worker_line
from flexhub.bus.worker_line import Turns

URL = "redis://127.0.0.1:1/0"


async def test_workers_share_a_bus_and_gateways_do_not() -> None:
    assert connect_worker(URL) is connect_worker(URL)
    assert connect_gateway(URL) is not connect_gateway(URL)


def test_another_timeout_is_another_bus() -> None:
    with override_settings(REDIS_TIMEOUT_S=1.0):
        other = connect_worker(URL)

    assert other is not connect_worker(URL)


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
