"""Every Celery task: with Birch's tenant and an id of Alder's it does what it does with an id that nothing has."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from django.core.cache.backends.locmem import LocMemCache
from django.db import connection
from django.test.utils import CaptureQueriesContext

import cem_service.feeds.runtime
import cem_service.runtime
import cem_service.what_if
import rm_adapters.runtime
from flexhub.bus.memory import MemoryWorkerBus
from flexhub.celery import app
from flexhub.clock import Clock
from tests.isolation.answers import VALUES
from tests.isolation.cast import AT, Cast, ghost_of

app.loader.import_default_modules()
OURS = sorted(name for name in app.tasks if not name.startswith(("celery.", "tests.")))

# The argument that names a row beside `tenant_id`, and the model of the row.
ABOUT_A_ROW = {
    "tenants.signin.tasks.send_invitation": ("invitation_id", "signin.Invitation"),
    "cem_service.tasks.react": ("site_id", "devices.Site"),
    "cem_service.tasks.plan": ("site_id", "devices.Site"),
    "cem_service.tasks.what_if": ("site_id", "devices.Site"),
    "cem_service.feeds.tasks.fetch": ("feed_id", "feeds.Feed"),
    "rm_adapters.tasks.attend": ("node_id", "rm_adapters.HostedRM"),
    "rm_adapters.tasks.look_for_devices": ("account_id", "rm_adapters.VendorAccount"),
}
# What such a task is told beside that.
AND_MORE = {"cem_service.tasks.what_if": {"question": "{}", "answer_id": "answer-1"}}
# These are told of nobody: beat sends them, and each takes its rows, with their tenants, from the database or the bus;
# or, as mails about an account, they take no rows at all.
ABOUT_NOBODY = {
    "cem_service.tasks.drain_ledger",
    "cem_service.tasks.wake_due_sites",
    "cem_service.tasks.wake_changed_limits",
    "cem_service.tasks.forget_old_plan_runs",
    "cem_service.feeds.tasks.forget_old_series",
    "cem_service.feeds.tasks.wake_due_feeds",
    "rm_adapters.tasks.wake_due_hosted",
    "rm_adapters.tasks.wake_changed_sessions",
    "flexhub.devices.tasks.forget_old_conversations",
    "flexhub.telemetry.tasks.delete_old_measurements",
    "flexhub.telemetry.tasks.drain_telemetry",
    "flexhub.telemetry.tasks.drop_old_partitions",
    "tenants.signin.tasks.send_notice",
    "tenants.signin.tasks.send_password_reset",
    "tenants.tasks.finish_key_rotations",
    "tenants.tasks.forget_expired_access_tokens",
    "tenants.tasks.forget_old_audit_rows",
    "tenants.tasks.forget_old_sign_ins",
    "tenants.tasks.go_on_with_erasures",
}


@pytest.mark.parametrize("name", OURS)
def test_somebody_has_thought_of_it(name: str) -> None:
    assert name in ABOUT_A_ROW or name in ABOUT_NOBODY, (
        f"{name} is new: add it to ABOUT_A_ROW of tests/isolation/test_tasks.py, with the argument that names a row, or"
        " to ABOUT_NOBODY if it takes none"
    )


@pytest.mark.parametrize("name", sorted(ABOUT_A_ROW))
def test_an_id_of_others_is_as_one_that_nothing_has(
    cast: Cast, bus: MemoryWorkerBus, sent: list[Any], name: str
) -> None:
    argument, label = ABOUT_A_ROW[name]
    row, birch = cast.row(label), next(row for row in cast.own.values() if row._meta.label == "tenants.Tenant")

    def queries_with(row_id: object) -> list[str]:
        connection.queries_log.clear()
        with CaptureQueriesContext(connection) as captured:
            app.tasks[name](tenant_id=str(birch.pk), **{argument: str(row_id)}, **AND_MORE.get(name, {}))
        return [VALUES.sub("?", query["sql"]) for query in captured.captured_queries]

    assert queries_with(row.pk) == queries_with(ghost_of(row))
    assert sent == []


@pytest.mark.parametrize("name", sorted(ABOUT_NOBODY))
def test_a_task_that_is_told_of_nobody_takes_no_ids(name: str) -> None:
    arguments = inspect.signature(app.tasks[name].run).parameters

    assert not [argument for argument in arguments if argument.endswith("_id")]


@pytest.fixture
def sent(bus: MemoryWorkerBus, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What tasks of ours asked other tasks for."""
    asked: list[Any] = []
    clock = Clock(AT, 0.0, 1.0, real_time=lambda: 0.0)
    note = lambda *what: asked.append(what)  # noqa: E731
    of_the_cem = cem_service.runtime.Tools(bus, clock, lambda: "id", note, note)
    of_the_rm = rm_adapters.runtime.Tools(bus, clock, lambda: "id", note)
    of_the_feeds = cem_service.feeds.runtime.Tools(bus, clock, note, note, {})
    monkeypatch.setattr(cem_service.runtime, "tools", lambda: of_the_cem)
    monkeypatch.setattr(cem_service.feeds.runtime, "tools", lambda: of_the_feeds)
    monkeypatch.setattr(rm_adapters.runtime, "tools", lambda: of_the_rm)
    # Where an answer is put; there is no Redis behind these tests.
    monkeypatch.setattr(cem_service.what_if, "cache", LocMemCache("answers", {}))
    return asked
