from __future__ import annotations

import pytest

from cem_service import what_if
from cem_service.domain.tariff import Tariff
from cem_service.models import PlanRun
from cem_service.what_if import Comparison, NoAnswer, NothingConnected, Question
from tenants.scope import platform_scope
from tests.support.cem_world import World
from tests.support.what_if import answer_at_once, answer_never


@pytest.fixture
def asked(world: World, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> World:
    answer_at_once(monkeypatch, world.tools)
    world.pay(import_eur_per_kwh=0.3, export_eur_per_kwh=0.05)
    return world


def test_is_computed_from_what_is_connected_now_and_stored_nowhere(asked: World) -> None:
    asked.connect()
    asked.describe(power_w=0.0, level=5000.0)

    answer = what_if.ask(asked.household.site, Question(import_eur_per_kwh=[0.6] * 24, cem_off=True))

    assert isinstance(answer, Comparison)
    assert answer.otherwise.missed == ()
    with platform_scope("test"):
        assert not PlanRun.objects.exists()
    assert asked.inbox() == []


def test_without_any_device_there_is_nothing_to_compute_from(asked: World) -> None:
    with pytest.raises(NothingConnected, match="No device of this site is connected"):
        what_if.ask(asked.household.site, Question())


def test_who_waits_in_vain_is_told_so(world: World, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    answer_never(monkeypatch)

    with pytest.raises(NoAnswer, match="Ask again"):
        what_if.ask(world.household.site, Question())


def test_prices_that_are_not_given_stay_as_they_are() -> None:
    present = Tariff.flat(0.3, 0.05, "UTC")

    meant = Question(import_eur_per_kwh=[0.1] * 24, comfort_percent=-5).meant(present)

    assert meant.tariff == Tariff.flat(0.1, 0.05, "UTC")
    assert (meant.comfort_percent, meant.cem_off) == (-5, False)
    assert Question().meant(present).tariff is None


def test_weekends_have_prices_of_their_own_where_they_are_given() -> None:
    workdays, weekends = (0.1,) * 24, (0.2,) * 24
    present = Tariff(workdays, workdays, "UTC", weekends, weekends)

    meant = Question(import_eur_per_kwh=[0.3] * 24, weekend_import_eur_per_kwh=[0.4] * 24).meant(present)

    assert meant.tariff == Tariff((0.3,) * 24, workdays, "UTC", (0.4,) * 24, None)
