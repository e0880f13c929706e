"""A worker that dies at any point of its work, or is paused there until another one has taken over."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction

from flexhub.bus.memory import MemoryWorkerBus
from flexhub.bus.site_lock import SiteLock
from rm_adapters import rows
from rm_adapters.attendance import LOCK_S
from rm_adapters.models import HostedRM
from rm_adapters.vendor_calls import VendorLine
from rm_adapters.vendors.simulator.cloud import SimulatedCloud
from s2.messages import FRBCSystemDescription, InstructionStatus, ResourceManagerDetails
from tests.rm_adapters.attended_home import AttendedHome, make_hosted_rm
from tests.rm_adapters.instructing import charge
from tests.support.registry import make_tenant

DONE = [InstructionStatus.ACCEPTED, InstructionStatus.STARTED, InstructionStatus.SUCCEEDED]

#: What a worker does to the world: it dies after each of these.
EFFECTS: list[tuple[Any, str]] = [
    *((MemoryWorkerBus, name) for name in ("publish", "drop_mail")),
    # The first of these comes right after the lock was taken, which ends the wake.
    *((rows, name) for name in ("load", "store", "check_current")),
    (SimulatedCloud, "set"),
]
#: What a worker learns and goes by: it stands still after each of these, until what it has learnt is old.
LESSONS: list[tuple[Any, str]] = [
    (MemoryWorkerBus, "mail"),
    *((VendorLine, name) for name in ("read", "execute")),
    (rows, "store"),
]

#: What is said later than S2 wants it, because nobody was there to say it.
LATE = ("R-132",)

#: Each test takes every so manieth point, so that several processes share them.
SHARES = 4


class Killed(BaseException):
    """The process is gone."""


class FragileBus(MemoryWorkerBus):
    """Whoever is killed gives no lock back."""

    kept: list[AbstractContextManager[SiteLock]] = []  # noqa: RUF012 - One for all, until the process ends.

    @contextmanager
    def site_lock(self, site_id: UUID, ttl_s: float) -> Iterator[SiteLock]:
        lock = super().site_lock(site_id, ttl_s)
        yielded = lock.__enter__()
        try:
            yield yielded
        except Killed:
            self.kept.append(lock)
            raise
        except BaseException:
            lock.__exit__(None, None, None)
            raise
        lock.__exit__(None, None, None)


@dataclass
class FragileHome:
    """A home whose worker does something of its own after the point `at`."""

    home: AttendedHome
    at: int
    act: Callable[[AttendedHome], None]
    passed: list[str] = field(default_factory=list)
    at_work: bool = False

    def attend(self, attend: Callable[[], None]) -> None:
        outermost, self.at_work = not self.at_work, True
        try:
            attend()
        except Killed:
            """Its lock and its wake flag end by themselves, and the sweep comes."""
        finally:
            self.at_work = not outermost

    def pass_by(self, point: str) -> None:
        if not self.at_work:
            return
        self.passed.append(point)
        if len(self.passed) == self.at:
            self.at_work = False
            self.act(self.home)
            self.at_work = True


@pytest.fixture
def hosted_rm(db: None) -> HostedRM:
    return make_hosted_rm(make_tenant())


@contextmanager
def undone() -> Iterator[None]:
    """What is written meanwhile is taken back, so that one household serves for all."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def make_home(hosted_rm: HostedRM, number: int, act: Callable[[AttendedHome], None]) -> FragileHome:
    home = AttendedHome("battery", bus=FragileBus, hosted_rm=hosted_rm)
    fragile = FragileHome(home, number, act)
    home.attend = partial(fragile.attend, home.attend)  # type: ignore[method-assign]
    return fragile


@contextmanager
def watched(fragile: FragileHome, points: list[tuple[Any, str]]) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for owner, name in points:
            patch.setattr(owner, name, _watched(getattr(owner, name), name, fragile))
        yield


def _watched(real: Callable[..., Any], name: str, fragile: FragileHome) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        result = real(*args, **kwargs)
        fragile.pass_by(name)
        return result

    return call


def play(home: AttendedHome) -> None:
    """From the first word to the last: select, charge, and go away."""
    home.connect()
    wait_until(home, lambda: bool(home.heard(ResourceManagerDetails)))
    home.select()
    wait_until(home, lambda: bool(home.heard(FRBCSystemDescription)))
    order = home.instruct(charge(home, "charge", 0.5))
    wait_until(home, lambda: home.course(order) == DONE)
    home.disconnect()
    wait_until(home, lambda: home.row_now().next_at is None)


def wait_until(home: AttendedHome, done: Callable[[], bool]) -> None:
    for _ in range(100):
        if done():
            return
        home.wait(seconds=2)
    raise AssertionError("it did not come to pass")


def check(fragile: FragileHome) -> None:
    home = fragile.home
    last = f"{fragile.at}: {fragile.passed[: fragile.at][-5:]}"
    assert home.settings() == [{"mode": "charge", "factor": 0.5}, {"mode": "auto", "factor": 0.0}], last
    row = home.row_now()
    assert (row.session_token, row.outbox, row.next_at) == (None, [], None), last
    assert home.heard_types().count("FRBC.SystemDescription") == 1, last
    home.check(allowed=LATE)


def die(_home: AttendedHome) -> None:
    raise Killed


def stand_still(home: AttendedHome) -> None:
    """As long as the lock lasts, and long enough for another one to do all that there is to do."""
    home.wait(seconds=LOCK_S + 35.0)


@pytest.mark.parametrize("share", range(SHARES))
def test_a_worker_dies_and_nothing_is_lost_or_done_twice(hosted_rm: HostedRM, share: int) -> None:
    for number in itertools.count(share + 1, SHARES):
        with undone():
            fragile = make_home(hosted_rm, number, die)

            with watched(fragile, EFFECTS):
                play(fragile.home)

            check(fragile)
        if len(fragile.passed) < number:
            break


@pytest.mark.parametrize("share", range(SHARES))
def test_a_worker_stands_still_and_nothing_is_lost_or_done_twice(hosted_rm: HostedRM, share: int) -> None:
    for number in itertools.count(share + 1, SHARES):
        with undone():
            fragile = make_home(hosted_rm, number, stand_still)

            with watched(fragile, LESSONS):
                play(fragile.home)

            check(fragile)
        if len(fragile.passed) < number:
            break
