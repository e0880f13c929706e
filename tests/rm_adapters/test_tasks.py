"""The tasks, and what they do on a real Redis and in real transactions, where a worker's locks are what they are."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import kombu.exceptions
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from flexhub.bus import Batch, BusUnavailable, SeatInfo, end_id
from flexhub.bus.gateway_side import RedisGatewayBus
from flexhub.bus.memory import MemoryWorkerBus
from flexhub.bus.snapshot import PROFILE_FIELD
from flexhub.bus.worker_side import RedisWorkerBus
from flexhub.celery import app
from flexhub.clock import Clock
from rm_adapters import attendance, housekeeping, rows, runtime, services, tasks
from rm_adapters.models import HostedRM
from rm_adapters.runtime import Tools
from s2.messages import ResourceManagerDetails, parse_message
from s2.versions import WireProfile
from tenants.scope import platform_scope, tenant_scope
from tests.rm_adapters.attended_home import AttendedHome, make_hosted_rm
from tests.rm_adapters.instructing import charge
from tests.support.registry import make_tenant, query


@pytest.mark.parametrize(
    ("task", "queue"), [("attend", "rm"), ("look_for_devices", "rm"), ("wake_due_hosted", "default")]
)
def test_each_task_has_its_queue(task: str, queue: str) -> None:
    name = f"rm_adapters.tasks.{task}"
    entries = [entry for entry in app.conf.beat_schedule.values() if entry["task"] == name]
    options = entries[0]["options"] if entries else {}

    assert options.get("queue", app.amqp.router.route({}, name)["queue"].name) == queue


@pytest.mark.django_db
def test_a_task_takes_ids_as_text_and_ignores_what_a_newer_sender_adds(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[UUID, UUID]] = []
    home = AttendedHome()
    monkeypatch.setattr(runtime, "tools", lambda: home.tools)
    monkeypatch.setattr(attendance, "attend_or_come_back", lambda *ids, **_: asked.append(ids))
    monkeypatch.setattr(services, "look_for_devices", lambda *ids, **_: asked.append(ids))
    tenant_id, other_id = uuid4(), uuid4()

    tasks.attend(tenant_id=str(tenant_id), node_id=str(other_id), priority="new in the next version")
    tasks.look_for_devices(tenant_id=str(tenant_id), account_id=str(other_id), priority="new in the next version")

    assert asked == [(tenant_id, other_id)] * 2


@pytest.mark.django_db
@pytest.mark.parametrize("task", ["attend", "wake_due_hosted", "wake_changed_sessions"])
def test_an_absent_redis_is_told_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, task: str
) -> None:
    def away(*_args: object, **_kwargs: object) -> None:
        raise BusUnavailable("Redis: gone")

    home = AttendedHome()
    monkeypatch.setattr(runtime, "tools", lambda: home.tools)
    for name in ("site_lock", "request_wake", "sessions"):
        monkeypatch.setattr(MemoryWorkerBus, name, away)
    with tenant_scope(home.hosted_rm.tenant_id):
        HostedRM.objects.update(next_at=home.now)
    arguments = {"tenant_id": str(home.hosted_rm.tenant_id), "node_id": str(home.hosted_rm.pk)}

    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            getattr(tasks, task)(**arguments)

    assert sum("not being" in record.getMessage() for record in caplog.records) == 1


@pytest.mark.django_db
class TestSweeps:
    def test_wakes_what_is_due_and_nothing_else(self) -> None:
        home = AttendedHome()
        later = make_hosted_rm(make_tenant("Birch"))
        with platform_scope("test"):
            HostedRM.objects.filter(pk=home.hosted_rm.pk).update(next_at=home.now)
            HostedRM.objects.filter(pk=later.pk).update(next_at=home.now + timedelta(seconds=1))

        woken = [housekeeping.wake_due(home.tools) for _ in range(2)]

        assert woken == [1, 1]
        assert len(home.tasks) == 1  # The second time its task was on its way already.

    def test_wakes_who_has_not_heard_of_its_session(self) -> None:
        home = AttendedHome()
        home.connect()
        assert housekeeping.wake_changed_sessions(home.tools) == 0

        asyncio.run(home.gateway.release_seat(home.end, home.token))

        assert housekeeping.wake_changed_sessions(home.tools) == 1
        home.run_due()
        assert home.row_now().session_token is None

    @pytest.mark.parametrize("sweep", [housekeeping.wake_due, housekeeping.wake_changed_sessions])
    def test_wakes_a_crowd_in_parts(self, monkeypatch: pytest.MonkeyPatch, sweep: Callable[[Tools], int]) -> None:
        monkeypatch.setattr(housekeeping, "WAKE_AT_ONCE", 2)
        home = AttendedHome()
        for name in ("Birch", "Cedar"):
            make_hosted_rm(make_tenant(name))
        with platform_scope("test"):
            HostedRM.objects.update(next_at=home.now, session_token=7)

        assert sweep(home.tools) == 2
        assert len(home.tasks) == 2

    def test_what_cannot_be_helped_does_not_stand_before_the_others(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(housekeeping, "WAKE_AT_ONCE", 1)
        home, woken = AttendedHome(), set[UUID]()
        make_hosted_rm(make_tenant("Birch"))
        with platform_scope("test"):
            HostedRM.objects.update(session_token=7)
        monkeypatch.setattr(Tools, "wake", lambda _tools, _tenant_id, node_id: woken.add(node_id))

        for _ in range(200):  # That chance leaves one of them out so often does not happen.
            housekeeping.wake_changed_sessions(home.tools)

        assert len(woken) == 2

    def test_finds_what_is_due_by_the_index_alone(self) -> None:
        home = AttendedHome()

        with CaptureQueriesContext(connection) as asked:
            housekeeping.wake_due(home.tools)
        (sweep,) = (each["sql"] for each in asked if "hostedrm" in each["sql"])
        with platform_scope("test"):
            query("SET LOCAL enable_seqscan = off")
            query("SET LOCAL enable_sort = off")
            plan = "\n".join(line for (line,) in query(f"EXPLAIN {sweep}"))

        assert "Index Only Scan using hosted_rm_due" in plan


class RedisHome:
    """A hosted RM with a session on a real Redis, whose gateway is played."""

    def __init__(self, url: str) -> None:
        self.hosted_rm = make_hosted_rm(make_tenant("Alder"), now=Clock.system().now)
        with tenant_scope(self.hosted_rm.tenant_id):
            self.end = end_id(self.hosted_rm.node.rm_link.pk, "CEM")
        self.bus = RedisWorkerBus(url)
        self.sent: list[float] = []
        self.tools = Tools(self.bus, Clock.system(), lambda: str(uuid4()), lambda *task: self.sent.append(task[2]))
        self.url = url

    def run(self, *steps: Callable[[RedisGatewayBus], Any]) -> list[Any]:
        async def played() -> list[Any]:
            gateway = RedisGatewayBus(self.url)
            try:
                await gateway.register("gateway-1")
                return [await step(gateway) for step in steps]
            finally:
                await gateway.close()

        return asyncio.run(played())

    async def connect(self, gateway: RedisGatewayBus) -> None:
        owner = {"tenant_id": self.hosted_rm.tenant_id, "site_id": uuid4(), "node_id": self.hosted_rm.pk}
        token = await gateway.claim_seat(SeatInfo(link_id=self.end, name="box", since=Clock.system().now(), **owner))
        batch = Batch()
        batch.fold(self.end, token, PROFILE_FIELD, WireProfile.V1_0_0.value)
        batch.post(self.end, token, "opened", Clock.system().now(), WireProfile.V1_0_0.value)
        batch.wake_node(self.hosted_rm.tenant_id, self.hosted_rm.pk)
        result = await gateway.write(batch)
        assert [wake.node_id for wake in result.woken] == [self.hosted_rm.pk]

    async def attend(self, _gateway: RedisGatewayBus) -> None:
        await asyncio.to_thread(self._attend)

    def _attend(self) -> None:
        try:
            attendance.attend(self.hosted_rm.tenant_id, self.hosted_rm.pk, tools=self.tools)
        finally:
            connection.close()

    async def inbox(self, gateway: RedisGatewayBus) -> list[Any]:
        envelopes = await gateway.read_inbox(1000)
        return [parse_message(each.payload, WireProfile.V1_0_0) for each in envelopes]


@pytest.fixture
def redis_home(transactional_db: None, redis_url: str) -> Iterator[RedisHome]:
    home = RedisHome(redis_url)
    yield home
    home.bus.close()


def test_speaks_through_redis(redis_home: RedisHome) -> None:
    *_, said = redis_home.run(redis_home.connect, redis_home.attend, redis_home.inbox)

    assert isinstance(said[0], ResourceManagerDetails)
    assert redis_home.bus.mail(redis_home.end).letters == ()
    assert redis_home.bus.request_wake(redis_home.hosted_rm.pk)
    row = rows.load(redis_home.hosted_rm.tenant_id, redis_home.hosted_rm.pk)
    assert row is not None
    assert (row.outbox, row.session_token is None) == ([], False)


def test_hears_of_the_end_of_its_session(redis_home: RedisHome) -> None:
    async def leave(gateway: RedisGatewayBus) -> None:
        await gateway.unregister()

    redis_home.run(redis_home.connect, redis_home.attend, leave, redis_home.attend)

    row = rows.load(redis_home.hosted_rm.tenant_id, redis_home.hosted_rm.pk)
    assert row is not None
    assert (row.session_token, row.next_at) == (None, None)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("overtaken", [False, True])
def test_a_worker_paused_just_before_its_write_writes_once_or_not_at_all(
    monkeypatch: pytest.MonkeyPatch, overtaken: bool
) -> None:
    """The machine is locked meanwhile, so nobody reads it and takes the write for lost."""
    home = AttendedHome("battery")
    home.connect()
    home.select()
    real, paused, go_on = rows.check_current, threading.Event(), threading.Event()

    def check_late(row: HostedRM) -> None:
        if not paused.is_set():
            paused.set()
            assert go_on.wait(30)
        real(row)

    monkeypatch.setattr(rows, "check_current", check_late)
    with monkeypatch.context() as patch:
        patch.setattr(home, "run_due", lambda: None)
        order = home.instruct(charge(home, "charge", 0.5))
    worker = threading.Thread(target=attend_in_a_thread, args=(home,))
    worker.start()
    assert paused.wait(30)
    if overtaken:
        with tenant_scope(home.hosted_rm.tenant_id):
            HostedRM.objects.update(version=1_000)
    go_on.set()
    worker.join(30)
    home.read_inbox()
    before = home.settings()

    home.wait(minutes=2)

    assert before == ([] if overtaken else [{"mode": "charge", "factor": 0.5}])
    assert home.settings() == [{"mode": "charge", "factor": 0.5}]
    assert home.course(order)[-1].value == "SUCCEEDED"


def attend_in_a_thread(home: AttendedHome) -> None:
    try:
        home.attend()
    finally:
        connection.close()


@pytest.fixture
def real_tools(redis_url: str) -> Iterator[Tools]:
    runtime.tools.cache_clear()
    yield runtime.tools()
    runtime.tools.cache_clear()


def test_the_tools_of_a_process_are_made_once(real_tools: Tools) -> None:
    assert real_tools is runtime.tools()
    assert real_tools.new_id() != real_tools.new_id()


def test_a_task_that_waited_too_long_is_not_run(monkeypatch: pytest.MonkeyPatch, real_tools: Tools) -> None:
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(tasks.attend, "apply_async", lambda **options: sent.append(options))
    tenant_id, node_id = uuid4(), uuid4()

    for _ in range(2):
        real_tools.wake(tenant_id, node_id, delay_s=5.0)

    names = {"tenant_id": str(tenant_id), "node_id": str(node_id)}
    assert sent == [{"kwargs": names, "countdown": 5.0, "expires": 65.0, "retry": False}]


@pytest.mark.django_db
def test_a_task_that_could_not_be_sent_is_sent_by_the_sweep(monkeypatch: pytest.MonkeyPatch, real_tools: Tools) -> None:
    def away(**_options: object) -> None:
        raise kombu.exceptions.OperationalError("redis://:secret@broker")

    monkeypatch.setattr(tasks.attend, "apply_async", away)
    hosted_rm = make_hosted_rm(make_tenant("Alder"))
    ids = (hosted_rm.tenant_id, hosted_rm.pk)

    with real_tools.bus.site_lock(hosted_rm.pk, 10) as ours, pytest.raises(BusUnavailable) as caught:
        attendance.attend_or_come_back(*ids, tools=real_tools)

    assert ours
    assert "secret" not in str(caught.value)
    sent: list[Any] = []
    monkeypatch.setattr(tasks.attend, "apply_async", lambda **options: sent.append(options["kwargs"]["node_id"]))
    assert housekeeping.wake_due(real_tools) == 1
    assert sent == [str(hosted_rm.pk)]


def test_a_look_is_asked_for_once_and_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(tasks.look_for_devices, "apply_async", lambda **options: sent.append(options))
    tenant_id, account_id = uuid4(), uuid4()

    runtime.send_look(tenant_id, account_id)

    (task,) = sent
    assert task["kwargs"] == {"tenant_id": str(tenant_id), "account_id": str(account_id)}
    assert task["countdown"] == 0.0
    assert "expires" not in task
