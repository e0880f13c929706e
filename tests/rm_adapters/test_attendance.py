"""A hosted RM attended to by its services, between a CEM and the rows of the simulated cloud."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import OperationalError

from flexhub.bus import Batch, BusUnavailable, PublishResult
from flexhub.bus.memory import MemoryWorkerBus
from rm_adapters import attendance, rows
from rm_adapters.attendance import ATTENDANCE_S, LOCK_S, PUT_OFF_FOR
from rm_adapters.models import HostedRM
from rm_adapters.sdk import AuthGone
from rm_adapters.vendors.simulator import mapping
from rm_adapters.vendors.simulator.adapter import Simulator
from rm_adapters.vendors.simulator.cloud import CloudError, SimulatedCloud
from s2.messages import ControlType, FRBCSystemDescription, InstructionStatus, ResourceManagerDetails
from s2.versions import WireProfile
from tenants.scope import tenant_scope
from tests.rm_adapters.attended_home import AttendedHome
from tests.rm_adapters.hosted_home import MENUS
from tests.rm_adapters.instructing import charge, order_for

pytestmark = pytest.mark.django_db

ACCEPTED, REJECTED, STARTED = InstructionStatus.ACCEPTED, InstructionStatus.REJECTED, InstructionStatus.STARTED
SUCCEEDED, REVOKED = InstructionStatus.SUCCEEDED, InstructionStatus.REVOKED
CHARGE, AUTO = {"mode": "charge", "factor": 0.5}, {"mode": "auto", "factor": 0.0}


@pytest.fixture
def home() -> AttendedHome:
    return AttendedHome("battery")


def change(home: AttendedHome, **values: Any) -> None:
    with tenant_scope(home.hosted_rm.tenant_id):
        HostedRM.objects.filter(pk=home.hosted_rm.pk).update(**values)


class TestConversation:
    @pytest.mark.parametrize("kind", MENUS)
    def test_describes_each_device_and_carries_out_what_it_is_told(self, kind: str) -> None:
        home = AttendedHome(kind)
        home.connect()
        home.select()

        order = home.instruct(order_for(home))
        home.wait(minutes=2)

        assert home.course(order)[:2] == [ACCEPTED, STARTED]
        assert len(home.settings()) == 1
        home.check()

    @pytest.mark.parametrize("profile", WireProfile)
    def test_speaks_the_version_that_was_agreed(self, profile: WireProfile) -> None:
        home = AttendedHome("hybrid", profile)
        home.connect()

        home.select()

        assert next(each for each in home.heard_types() if each.startswith("DDBC")) == "DDBC.SystemDescription"
        home.check()

    def test_revokes_what_it_was_told_to(self, home: AttendedHome) -> None:
        home.connect()
        home.select()
        later = charge(home, "charge", 0.5, at=home.now + timedelta(minutes=5))
        home.instruct(later)

        home.revoke(later)
        home.wait(minutes=10)

        assert home.course(later.id) == [ACCEPTED, REVOKED]
        assert home.settings() == []
        home.check()

    def test_begins_anew_with_each_session(self, home: AttendedHome) -> None:
        home.connect()
        home.select()
        order = home.instruct(charge(home, "charge", 0.5))
        home.wait(minutes=1)

        home.disconnect()
        home.wait(minutes=1)
        home.connect()
        home.select()

        assert home.course(order) == [ACCEPTED, STARTED, SUCCEEDED]
        assert home.settings() == [CHARGE, AUTO]
        assert home.heard_types().count("FRBC.SystemDescription") == 2
        home.check()

    def test_makes_nothing_of_the_mail_of_a_session_that_is_over(
        self, home: AttendedHome, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        home.connect()
        home.select()
        order = charge(home, "charge", 0.5)
        with monkeypatch.context() as patch:
            patch.setattr(home, "run_due", lambda: None)  # Nobody is at work.
            home.instruct(order)
            home.disconnect()
            home.connect()

        home.wait(minutes=2)

        assert home.course(order.id) == []
        assert home.settings() == []
        assert home.heard_types().count("ResourceManagerDetails") == 2

    def test_leaves_the_mailbox_empty(self, home: AttendedHome) -> None:
        home.connect()
        home.select()

        assert home.bus.mail(home.end).letters == ()

    def test_reads_the_mail_of_a_redis_that_counts_from_less(self, home: AttendedHome) -> None:
        change(home, last_letter="999999999-0")

        home.connect()
        home.select()

        assert home.heard(FRBCSystemDescription)
        assert home.bus.mail(home.end).letters == ()

    def test_passes_over_a_letter_that_it_cannot_read(self, home: AttendedHome, caplog: Any) -> None:
        home.connect()
        home.post("selected", "TELEPATHY")

        home.run_due()
        home.select()

        assert "rm.letter_unreadable" in caplog.text
        assert home.heard(FRBCSystemDescription)

    def test_takes_in_more_than_one_bag_of_mail(self, home: AttendedHome, monkeypatch: pytest.MonkeyPatch) -> None:
        home.connect()
        home.select()
        later = home.now + timedelta(hours=1)
        with monkeypatch.context() as patch:
            patch.setattr(home, "run_due", lambda: None)
            orders = [home.instruct(charge(home, "charge", 0.5, at=later)) for _ in range(120)]

        home.wait(seconds=2)

        assert all(home.course(order)[0] is ACCEPTED for order in orders)


class TestTakingTurns:
    def test_leaves_the_device_to_whoever_is_at_work(self, home: AttendedHome) -> None:
        home.connect()
        before = home.row_now().version
        home.select()
        home.tasks.clear()

        with home.bus.site_lock(home.hosted_rm.pk, LOCK_S):
            home.attend()

        assert home.row_now().version == before + 2  # The selection alone: stored, and its outbox emptied.
        assert home.tasks == [home.now + timedelta(seconds=1)]

    def test_whoever_was_overtaken_stores_nothing(self, home: AttendedHome) -> None:
        row = rows.load(home.hosted_rm.tenant_id, home.hosted_rm.pk)
        assert row is not None
        change(home, version=7)

        with pytest.raises(rows.Overtaken):
            rows.store(row, last_letter="1-1")
        with pytest.raises(rows.Overtaken):
            rows.check_current(row)

        assert home.row_now().last_letter == ""

    def test_does_not_write_when_its_time_is_over(self, home: AttendedHome, monkeypatch: pytest.MonkeyPatch) -> None:
        home.connect()
        home.select()
        real = rows.store

        def store_and_pause(row: HostedRM, **changes: Any) -> None:
            real(row, **changes)
            home.now += timedelta(seconds=LOCK_S)

        with monkeypatch.context() as patch:
            patch.setattr(home, "run_due", lambda: None)
            order = home.instruct(charge(home, "charge", 0.5))
            patch.setattr(rows, "store", store_and_pause)
            home.attend()
        assert home.settings() == []

        home.wait(minutes=2)

        assert home.settings() == [CHARGE]
        assert home.course(order) == [ACCEPTED, STARTED, SUCCEEDED]

    def test_stops_after_a_while_and_comes_again(self, home: AttendedHome, monkeypatch: pytest.MonkeyPatch) -> None:
        home.connect()
        spent = iter([0.0, ATTENDANCE_S + 1.0])
        home.tools = replace(home.tools, monotonic=lambda: next(spent, 1e6))

        home.attend()

        assert len(home.tasks) == 1

    def test_a_row_that_is_gone_is_nobodys_business(self, home: AttendedHome) -> None:
        attendance.attend(home.hosted_rm.tenant_id, uuid4(), tools=home.tools)

        assert home.tasks == []


class TestOutages:
    def test_what_the_gateway_cannot_take_now_it_gets_later(
        self, home: AttendedHome, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(MemoryWorkerBus, "publish", lambda *_: PublishResult.FULL)
            home.connect()
            home.wait(seconds=3)
            assert home.row_now().outbox

        home.wait(seconds=3)

        assert len(home.heard(ResourceManagerDetails)) == 1
        assert home.row_now().outbox == []

    def test_redis_goes_away_and_comes_back(self, home: AttendedHome, monkeypatch: pytest.MonkeyPatch) -> None:
        real = MemoryWorkerBus.mail
        away = iter([True])

        def mail(*args: Any, **kwargs: Any) -> Any:
            if next(away, False):
                raise BusUnavailable("Redis: gone")
            return real(*args, **kwargs)

        monkeypatch.setattr(MemoryWorkerBus, "mail", mail)
        with pytest.raises(BusUnavailable):
            home.connect()
        assert home.row_now().next_at == home.now

        home.wait(seconds=2)

        assert len(home.heard(ResourceManagerDetails)) == 1

    def test_postgresql_goes_away_and_comes_back(self, home: AttendedHome, monkeypatch: pytest.MonkeyPatch) -> None:
        def load(*_args: object) -> None:
            raise OperationalError("gone")

        with monkeypatch.context() as patch:
            patch.setattr(rows, "load", load)
            with pytest.raises(OperationalError):
                home.connect()

        home.wait(seconds=10)

        assert len(home.heard(ResourceManagerDetails)) == 1

    def test_an_outage_of_the_vendor_is_told_once_and_shown(
        self, home: AttendedHome, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def overloaded(*_args: object) -> None:
            raise CloudError(503)

        with caplog.at_level(logging.INFO), monkeypatch.context() as patch:
            patch.setattr(SimulatedCloud, "state", overloaded)
            home.connect()
            home.wait(minutes=3)
            row = home.row_now()
        assert row.last_error == "Transient: HTTP 503"
        assert row.failing_since is not None
        assert home.heard(ResourceManagerDetails) == []

        with caplog.at_level(logging.INFO):
            home.wait(minutes=20)

        assert (home.row_now().failing_since, home.row_now().last_error) == (None, "")
        assert len(home.heard(ResourceManagerDetails)) == 1
        assert caplog.text.count("rm.vendor_failing") == caplog.text.count("rm.vendor_recovered") == 1

    def test_without_permission_it_says_goodbye(self, home: AttendedHome, monkeypatch: pytest.MonkeyPatch) -> None:
        home.connect()

        async def read(*_args: object) -> None:
            raise AuthGone("linked no more")

        monkeypatch.setattr(Simulator, "read", read)
        home.wait(minutes=2)

        assert "SessionRequest" in home.heard_types()
        assert home.row_now().read_at is None


class TestBrokenAdapters:
    """What no adapter should do, and some will."""

    @pytest.mark.parametrize("broken", ["describe", "plan", "confirmed", "release"])
    def test_a_mistake_of_the_mapping_stops_nothing_else(
        self, home: AttendedHome, monkeypatch: pytest.MonkeyPatch, broken: str
    ) -> None:
        def mistake(*_args: object) -> None:
            raise KeyError("secret-token")

        with monkeypatch.context() as patch:
            patch.setattr(mapping, broken, mistake)
            home.connect()
            home.wait(minutes=1)
            if broken != "describe":
                home.select()
                home.instruct(charge(home, "charge", 0.5))
            home.wait(minutes=5)
            assert "secret-token" not in home.row_now().last_error
        home.wait(minutes=20)

        home.connect()
        home.wait(minutes=1)
        home.select()
        order = home.instruct(charge(home, "charge", 0.4))
        home.wait(minutes=2)

        assert home.course(order) == [ACCEPTED, STARTED, SUCCEEDED]

    def test_an_instruction_that_cannot_be_planned_is_rejected(
        self, home: AttendedHome, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        home.connect()
        home.select()

        def mistake(*_args: object) -> None:
            raise KeyError("secret-token")

        monkeypatch.setattr(mapping, "plan", mistake)
        order = home.instruct(charge(home, "charge", 0.5))

        assert home.course(order) == [REJECTED]
        assert "KeyError in" in caplog.text
        assert "secret-token" not in caplog.text

    @pytest.mark.parametrize("state", [{"version": 99}, {"version": 1, "orders": 7}])
    def test_a_state_of_a_later_release_is_put_off(
        self, home: AttendedHome, state: dict[str, Any], caplog: pytest.LogCaptureFixture
    ) -> None:
        change(home, state=state, due_at=home.now, next_at=home.now)

        home.run_due()

        assert (home.row_now().state, home.row_now().next_at) == (state, home.now + PUT_OFF_FOR)
        home.now += PUT_OFF_FOR
        home.run_due()
        assert caplog.text.count("rm.put_off") == 1

    def test_a_value_that_is_no_number_is_not_kept(self, home: AttendedHome, monkeypatch: pytest.MonkeyPatch) -> None:
        real: Callable[..., Any] = SimulatedCloud.state

        with monkeypatch.context() as patch:
            patch.setattr(SimulatedCloud, "state", lambda *args: real(*args) | {"since": "\0"})
            home.connect()
        assert home.row_now().state is not None
        home.wait(minutes=5)

        assert len(home.heard(ResourceManagerDetails)) == 1

    def test_a_vendor_that_this_release_has_not_is_put_off(self, home: AttendedHome) -> None:
        with tenant_scope(home.hosted_rm.tenant_id):
            home.hosted_rm.account.vendor = "acme"
            home.hosted_rm.account.save()
        change(home, due_at=home.now, next_at=home.now)

        home.run_due()

        assert home.row_now().next_at == home.now + PUT_OFF_FOR
        assert "UnknownVendor" in home.row_now().last_error


def test_a_deselected_device_is_its_own_master_again(home: AttendedHome) -> None:
    home.connect()
    home.select()
    home.instruct(charge(home, "charge", 0.5))
    home.wait(minutes=1)

    home.select(ControlType.NO_SELECTION)
    home.wait(minutes=1)

    assert home.settings() == [CHARGE, AUTO]
    home.check()


def test_a_wake_without_news_changes_nothing(home: AttendedHome) -> None:
    home.connect()
    before = home.row_now().version

    home.write(Batch())
    home.run_due()

    assert home.row_now().version == before
