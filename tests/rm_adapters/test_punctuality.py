"""A moment that is near is kept to the instant, without the sweep of each second; and the sweep heals what is lost."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from flexhub.bus import BusUnavailable
from flexhub.bus.memory import MemoryWorkerBus
from flexhub.bus.memory_store import MemoryStore
from flexhub.clock import Clock
from rm_adapters import housekeeping
from rm_adapters.runtime import LEAST_PAUSE_S, Tools
from rm_adapters.vendors.simulator.models import SimulatedMachine
from tenants.scope import tenant_scope
from tests.rm_adapters.attended_home import AttendedHome
from tests.rm_adapters.hosted_home import MORNING
from tests.rm_adapters.instructing import charge

HALF_A_SECOND = timedelta(seconds=0.5)


def tools_at(factor: float) -> tuple[Tools, list[float]]:
    """Tools whose clock stands still, and the delays of the tasks that they send."""
    delays: list[float] = []
    clock = Clock(MORNING, 0.0, factor, real_time=lambda: 0.0)
    bus = MemoryWorkerBus(MemoryStore(lambda: 0.0))
    return Tools(bus, clock, lambda: "", lambda _tenant, _node, delay_s: delays.append(delay_s)), delays


@pytest.mark.parametrize(
    ("factor", "away_s", "delays"),
    [
        (1.0, 0.5, [0.5]),
        (1.0, 1.5, []),
        (60.0, 30.0, [0.5]),
        (60.0, 90.0, []),
        (60.0, 1.0, [LEAST_PAUSE_S]),
        (1.0, -5.0, [LEAST_PAUSE_S]),
    ],
)
def test_a_moment_is_near_in_real_time(factor: float, away_s: float, delays: list[float]) -> None:
    tools, sent = tools_at(factor)

    tools.wake_at(uuid4(), uuid4(), MORNING + timedelta(seconds=away_s))

    assert sent == delays


def test_one_task_comes_for_each_moment_of_each_hosted_rm() -> None:
    tools, sent = tools_at(1.0)
    one, other = uuid4(), uuid4()

    for node_id, away_s in [(one, 0.5), (one, 0.5), (other, 0.5), (one, 0.25)]:
        tools.wake_at(uuid4(), node_id, MORNING + timedelta(seconds=away_s))

    assert sent == [0.5, 0.5, 0.25]


@pytest.mark.django_db
class TestAnInstructionForSoon:
    """The battery is told to charge in half a second."""

    @pytest.fixture
    def home(self) -> AttendedHome:
        home = AttendedHome("battery")
        home.connect()
        home.select()
        home.wait(seconds=2)
        home.instruct(charge(home, "charge", 0.5, at=home.now + HALF_A_SECOND))
        return home

    def test_is_carried_out_to_the_instant(self, home: AttendedHome) -> None:
        moment = home.now + HALF_A_SECOND

        home.wait(seconds=10)

        assert written_at(home) == [moment.isoformat()]

    def test_is_carried_out_by_the_sweep_where_its_task_was_lost(self, home: AttendedHome) -> None:
        moment = home.now + HALF_A_SECOND
        home.tasks.clear()

        home.wait(seconds=10)

        assert written_at(home) == [(moment + HALF_A_SECOND).isoformat()]

    def test_does_not_keep_the_next_one_waiting(self, home: AttendedHome) -> None:
        order = charge(home, "charge", 0.25)

        home.instruct(order)

        assert home.course(order.id) != []
        assert written_at(home) == [home.now.isoformat()]


@pytest.mark.django_db
def test_after_an_outage_nobody_comes_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_args: object, **_kwargs: object) -> None:
        raise BusUnavailable("Redis: gone")

    home = AttendedHome("battery")
    with monkeypatch.context() as patch:
        patch.setattr(MemoryWorkerBus, "mail", away)
        with pytest.raises(BusUnavailable):
            home.attend()
    assert home.row_now().next_at == home.now

    home.run_due()

    assert home.row_now().next_at is None
    assert housekeeping.wake_due(home.tools) == 0


def written_at(home: AttendedHome) -> list[str]:
    with tenant_scope(home.hosted_rm.tenant_id):
        machine = SimulatedMachine.objects.get(account_id=home.hosted_rm.account_id, key=home.kind)
    return [at for at, _ in machine.settings]
