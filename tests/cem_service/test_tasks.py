from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from uuid import UUID, uuid4

import pytest
from celery import signals

from cem_service import runtime, services, tasks
from cem_service.planners.kernels import warm
from flexhub.bus.worker_side import RedisWorkerBus
from flexhub.celery import app
from tests.support.cem_world import World


@pytest.mark.parametrize(
    ("task", "queue"),
    [
        ("react", "cem"),
        ("plan", "plan"),
        ("drain_ledger", "default"),
        ("wake_due_sites", "default"),
        ("forget_old_plan_runs", "default"),
    ],
)
def test_each_task_has_its_queue(task: str, queue: str) -> None:
    assert app.amqp.router.route({}, f"cem_service.tasks.{task}")["queue"].name == queue


def test_what_beat_sends_is_known() -> None:
    app.loader.import_default_modules()

    assert {entry["task"] for entry in app.conf.beat_schedule.values()} <= set(app.tasks)


@pytest.mark.parametrize("name", ["react", "plan"])
def test_a_task_takes_ids_as_text_and_ignores_what_a_newer_sender_adds(
    monkeypatch: pytest.MonkeyPatch, name: str, world: World
) -> None:
    asked: list[tuple[UUID, UUID]] = []
    service = {"react": "react_to_site", "plan": "plan_site"}[name]
    monkeypatch.setattr(runtime, "tools", lambda: world.tools)
    monkeypatch.setattr(services, service, lambda tenant_id, site_id, **_: asked.append((tenant_id, site_id)))
    tenant_id, site_id = uuid4(), uuid4()

    getattr(tasks, name)(tenant_id=str(tenant_id), site_id=str(site_id), priority="new in the next version")

    assert asked == [(tenant_id, site_id)]


@pytest.mark.parametrize("task", [tasks.drain_ledger, tasks.wake_due_sites])
def test_an_absent_redis_is_told_once(
    monkeypatch: pytest.MonkeyPatch, world: World, caplog: pytest.LogCaptureFixture, task: Callable[[], None]
) -> None:
    nowhere = replace(world.tools, bus=RedisWorkerBus("redis://127.0.0.1:1/0"))
    monkeypatch.setattr(runtime, "tools", lambda: nowhere)

    with caplog.at_level(logging.WARNING):
        task()
        task()

    assert sum("not being" in record.getMessage() for record in caplog.records) == 1


@pytest.mark.parametrize(("queue", "calculates"), [("plan", True), ("cem", True), ("default", False)])
def test_workers_that_calculate_compile_the_kernels_before_they_start(
    monkeypatch: pytest.MonkeyPatch, queue: str, calculates: bool
) -> None:
    done: list[str] = []
    monkeypatch.setattr(warm, "warm_up", lambda: done.append("compiled"))
    queues = SimpleNamespace(consume_from={queue: None})
    worker = SimpleNamespace(app=SimpleNamespace(amqp=SimpleNamespace(queues=queues)))

    signals.celeryd_after_setup.send(sender=queue, instance=worker, conf=app.conf)

    assert done == ["compiled"] * calculates
