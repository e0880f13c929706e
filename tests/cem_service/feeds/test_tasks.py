from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from django.db import OperationalError

from cem_service.feeds import fetching, housekeeping, runtime, tasks
from cem_service.feeds.runtime import Tools
from flexhub.bus.memory import MemoryWorkerBus
from flexhub.bus.memory_store import MemoryStore
from flexhub.celery import app
from tests.support.clock import FixedClock


@pytest.fixture
def tools(monkeypatch: pytest.MonkeyPatch) -> Tools:
    tools = Tools(MemoryWorkerBus(MemoryStore()), FixedClock.at(), lambda *_: None, lambda *_: None, {})
    monkeypatch.setattr(runtime, "tools", lambda: tools)
    return tools


@pytest.mark.parametrize(
    ("task", "queue"), [("fetch", "rm"), ("wake_due_feeds", "default"), ("forget_old_series", "default")]
)
def test_each_task_has_its_queue(task: str, queue: str) -> None:
    name = f"cem_service.feeds.tasks.{task}"
    entries = [entry for entry in app.conf.beat_schedule.values() if entry["task"] == name]
    options = entries[0]["options"] if entries else {}

    assert options.get("queue", app.amqp.router.route({}, name)["queue"].name) == queue


def test_a_task_takes_ids_as_text_and_ignores_what_a_newer_sender_adds(
    tools: Tools, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[UUID, UUID, Tools]] = []
    monkeypatch.setattr(fetching, "fetch", lambda *ids, tools: asked.append((*ids, tools)))
    tenant_id, feed_id = uuid4(), uuid4()

    tasks.fetch(tenant_id=str(tenant_id), feed_id=str(feed_id), priority="new in the next version")

    assert asked == [(tenant_id, feed_id, tools)]


def test_a_database_that_is_away_is_told_of_once_and_when_it_is_back(
    tools: Tools, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(*_: object, **__: object) -> None:
        raise OperationalError

    monkeypatch.setattr(fetching, "fetch", away)
    monkeypatch.setattr(housekeeping, "wake_due", away)

    for _ in range(2):
        tasks.fetch(tenant_id=str(uuid4()), feed_id=str(uuid4()))
        tasks.wake_due_feeds()
    monkeypatch.setattr(housekeeping, "wake_due", lambda _: None)
    tasks.wake_due_feeds()

    assert [line.split(":")[0] for line in caplog.messages] == [
        "feeds are not being fetched",
        "feeds that are due are not being fetched",
        "over",
    ]
