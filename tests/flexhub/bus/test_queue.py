"""Tasks for Celery's workers, and the flag that says that one is on its way."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from celery import Celery
from kombu.exceptions import OperationalError

from flexhub.bus import BusUnavailable
from flexhub.bus.memory import MemoryWorkerBus
from flexhub.bus.memory_store import MemoryStore
from flexhub.bus.queue import send_once, send_task

app = Celery(set_as_current=False)


@app.task
def attend(**_: object) -> None:
    """What it would do is of no interest here."""


class Sent(list[dict[str, Any]]):
    """Stands in for a broker, which may be away."""

    away = False

    def take(self, **options: Any) -> None:
        if self.away:
            raise OperationalError("redis://:secret@broker")
        self.append(options)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    broker = Sent()
    monkeypatch.setattr(attend, "apply_async", broker.take)
    return broker


def test_arguments_travel_as_text_and_a_task_that_waits_too_long_is_forgotten(sent: Sent) -> None:
    node_id = uuid4()

    send_task(attend, node_id=node_id, delay_s=5.0)
    send_task(attend, node_id=node_id, life_s=None)

    names = {"node_id": str(node_id)}
    assert sent == [
        {"kwargs": names, "countdown": 5.0, "expires": 65.0, "retry": False},
        {"kwargs": names, "countdown": 0.0, "retry": False},
    ]


def test_a_queue_that_is_away_is_named_without_its_address(sent: Sent) -> None:
    sent.away = True

    with pytest.raises(BusUnavailable, match="task queue") as caught:
        send_task(attend)

    assert "secret" not in str(caught.value)


def test_one_is_on_its_way_until_it_begins(sent: Sent) -> None:
    bus, name = MemoryWorkerBus(MemoryStore()), uuid4()

    for _ in range(2):
        send_once(bus, name, lambda: send_task(attend))
    bus.end_wake(name)
    send_once(bus, name, lambda: send_task(attend))

    assert len(sent) == 2


def test_what_was_not_sent_is_not_on_its_way(sent: Sent) -> None:
    bus, name = MemoryWorkerBus(MemoryStore()), uuid4()
    sent.away = True
    with pytest.raises(BusUnavailable):
        send_once(bus, name, lambda: send_task(attend))
    sent.away = False

    send_once(bus, name, lambda: send_task(attend))

    assert len(sent) == 1
