"""The street: varied homes with tight fuses."""

from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from flexhub.clock import Clock
from flexhub.demo.build import households
from flexhub.demo.config import HomeConfig
from flexhub.demo.household import Households
from flexhub.demo.street import DEMO_TARIFF, HomePlan, homes
from tests.support.demo_home import MORNING

HOMES = homes(MORNING)


def config(plan: HomePlan) -> HomeConfig:
    credentials = [(f"00000000-0000-4000-8000-{number:012}", "token") for number in range(len(plan.devices))]
    content = plan.config(
        ws_url="ws://127.0.0.1:8000/s2/v0", clock=Clock.system(), report=Path("report.json"), credentials=credentials
    )
    return HomeConfig.model_validate(content)


def parameters(plan: HomePlan, kind: str) -> dict[str, Any] | None:
    return next((dict(device.parameters) for device in plan.devices if device.kind == kind), None)


def world(plan: HomePlan, start: datetime = MORNING) -> Households:
    return households(config(plan), start.timestamp())


def test_twelve_homes_each_with_a_meter_first_and_three_to_five_others() -> None:
    assert len(HOMES) == 12
    assert len({home.name for home in HOMES}) == 12
    for home in HOMES:
        assert home.devices[0].kind == "METER"
        assert 3 <= len(home.devices) - 1 <= 5
        assert len({device.kind for device in home.devices}) == len(home.devices)


def test_every_kind_stands_in_at_least_five_homes() -> None:
    counts = Counter(device.kind for home in HOMES for device in home.devices)

    assert counts["METER"] == 12
    assert min(counts.values()) >= 5
    assert set(counts) == {"METER", "PV", "BATTERY", "EV_CHARGER", "HEAT_PUMP", "DISHWASHER"}


def test_every_model_is_of_one_kind() -> None:
    kinds: dict[tuple[str, str], set[str]] = {}
    for device in (device for home in HOMES for device in home.devices):
        kinds.setdefault((device.brand, device.model), set()).add(device.kind)

    assert all(len(each) == 1 for each in kinds.values())


def test_at_least_four_dishwashers_wait_at_the_start_with_a_window_that_ends_soon() -> None:
    early = [home for home in HOMES if (parameters(home, "DISHWASHER") or {}).get("first_window_s") == 75 * 60]

    assert len(early) >= 4
    for home in early:
        dishwasher = world(home).on.dishwasher
        assert dishwasher is not None
        assert dishwasher.filled
        assert sum(dishwasher.duration_s(part) for part in range(len(dishwasher.parts))) == 45 * 60


@pytest.mark.parametrize("start", [MORNING, datetime(2026, 1, 10, 23, 40, tzinfo=UTC)])
def test_several_cars_stand_at_home_at_the_start_and_stay_for_hours(start: datetime) -> None:
    cars = [car for home in homes(start) if (car := parameters(home, "EV_CHARGER")) is not None]
    plugged = [car for car in cars if car["plugged"]]

    assert len(plugged) >= 4
    assert len(cars) > len(plugged)
    for home in homes(start):
        ev = world(home, start).on.ev
        if ev is not None and ev.plugged:
            assert ev.departures == 0
            assert ev.minutes_to_departure(world(home, start).cell.minute_of_day) >= 5 * 60


def test_batteries_begin_half_full() -> None:
    batteries = [battery for home in HOMES if (battery := world(home).on.battery) is not None]

    assert all(battery.soc == 0.5 for battery in batteries)


def test_left_to_itself_the_street_overloads_fuses_but_keeps_its_comfort() -> None:
    overloaded = 0
    for plan in HOMES:
        home = world(plan)
        home.advance((MORNING + timedelta(hours=14)).timestamp())
        overloaded += home.off.accounts.longest_overrun_s > 60
        assert home.off.heat_pump is None or home.off.heat_pump.discomfort_s == 0
        assert home.off.ev is None or home.off.ev.missed_departures == 0
        assert home.off.dishwasher is None or home.off.dishwasher.late_s == 0

    assert overloaded >= 4


def test_some_homes_may_not_export_all_they_can() -> None:
    limited = [home for home in HOMES if home.export_limit_w is not None]

    assert limited
    assert all((parameters(home, "PV") or {})["peak_w"] > (home.export_limit_w or 0) for home in limited)


def test_export_costs_money_at_noon() -> None:
    negative = [hour for hour, price in enumerate(DEMO_TARIFF.export_eur_per_kwh) if price < 0]

    assert negative == [12, 13]
    prices = asdict(DEMO_TARIFF)
    assert all(len(each) == 24 for each in prices.values())
