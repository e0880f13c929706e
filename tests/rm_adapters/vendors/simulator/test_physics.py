"""The simulated devices are honest: energy is neither made nor lost, and looking at them changes nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rm_adapters.vendors.simulator.physics.battery import Battery
from rm_adapters.vendors.simulator.physics.heater import Heater
from rm_adapters.vendors.simulator.physics.hybrid import Hybrid
from rm_adapters.vendors.simulator.physics.roof import Roof
from rm_adapters.vendors.simulator.physics.washer import Washer
from rm_adapters.vendors.simulator.physics.weather import minutes, sun

START = datetime(2026, 3, 10, 8, 0, 30, tzinfo=UTC)

SETTINGS: dict[str, list[dict[str, Any]]] = {
    "battery": [{"mode": mode, "factor": 0.7} for mode in ("charge", "discharge", "idle", "auto")],
    "roof": [{"limit_w": 1000.0}, {"limit_w": None}],
    "washer": [
        {"part": part, "action": action} for part in ("wash", "spin") for action in ("start", "pause", "resume")
    ],
    "heater": [{"mode": mode} for mode in ("off", "on", "boost", "auto")],
    "hybrid": [
        {"unit": unit, "mode": mode, "factor": 0.3} for unit in ("pump", "boiler") for mode in ("off", "on", "auto")
    ],
}


def machine(kind: str) -> Any:
    return {
        "battery": Battery(at=START),
        "roof": Roof(at=START),
        "washer": Washer(at=START, filled_at=START, ready_by=START + timedelta(hours=6)),
        "heater": Heater(at=START),
        "hybrid": Hybrid(at=START),
    }[kind]


courses = st.sampled_from(sorted(SETTINGS)).flatmap(
    lambda kind: st.tuples(
        st.just(kind),
        st.lists(st.tuples(st.sampled_from(SETTINGS[kind]), st.integers(1, 9000)), max_size=6),
    )
)


def numbers_in(readings: dict[str, Any]) -> list[float]:
    return [each for each in readings.values() if isinstance(each, float)]


@settings(deadline=None, max_examples=60)
@given(courses, st.lists(st.integers(1, 7000), max_size=5))
def test_what_happens_does_not_depend_on_who_looks(course: tuple[str, list[Any]], looks: list[int]) -> None:
    kind, steps = course
    watched = unwatched = machine(kind)
    now = START

    for setting, seconds in steps:
        watched, unwatched = watched.told(setting, now), unwatched.told(setting, now)
        for look in sorted(looks):
            if look < seconds:
                watched = watched.advance(now + timedelta(seconds=look))
        now += timedelta(seconds=seconds)
        watched, unwatched = watched.advance(now), unwatched.advance(now)

    assert numbers_in(watched.readings()) == pytest.approx(numbers_in(unwatched.readings()), abs=1e-6)


def in_and_out(kind: str, before: Any, after: Any) -> tuple[float, float]:
    """The energy that came in, and where it is now, in Wh."""
    match kind:
        case "battery":
            stored_wh = after.stored_wh - before.stored_wh
            return after.drawn_wh * 0.95, stored_wh + after.given_wh / 0.95
        case "roof":
            potential_wh = sum(
                6000.0 * sun(start.replace(second=0)) * (end - start).total_seconds() / 3600
                for start, end in minutes(before.at, after.at)
            )
            return potential_wh, after.produced_wh + after.lost_wh
        case "washer":
            done = (after.wash.done, after.spin.done)
            return after.drawn_wh, sum(
                part.run(span, START)[1] for part, span in zip((before.wash, before.spin), done, strict=True)
            )
        case "heater":
            return after.drawn_wh, (after.room_c - before.room_c) * 800.0 + after.lost_wh
    heat_wh = after.electric_wh * 3.5 + after.gas_wh * 0.95
    return heat_wh, (after.house_c - before.house_c) * 6000.0 + after.lost_wh


@settings(deadline=None, max_examples=60)
@given(courses)
def test_energy_is_neither_made_nor_lost(course: tuple[str, list[Any]]) -> None:
    kind, steps = course
    before = after = machine(kind)
    now = START

    for setting, seconds in steps:
        after = after.told(setting, now)
        now += timedelta(seconds=seconds)
        after = after.advance(now)

    came_in, went = in_and_out(kind, before, after)
    assert came_in == pytest.approx(went, abs=0.01)


def test_a_full_battery_draws_nothing() -> None:
    full = machine("battery").told({"mode": "charge", "factor": 1.0}, START).advance(START + timedelta(hours=5))

    assert full.readings()["soc"] == 100.0
    assert full.readings()["charge_kw"] == 0.0


@pytest.mark.parametrize("stored_wh", [1_000.0, 1_234.567, 5_000.0, 9_999.9])
def test_a_battery_gives_nothing_of_its_reserve(stored_wh: float) -> None:
    battery = replace(machine("battery"), stored_wh=stored_wh).told({"mode": "discharge", "factor": 1.0}, START)

    empty = battery.advance(START + timedelta(minutes=7)).advance(START + timedelta(hours=5))

    assert (empty.readings()["soc"], empty.readings()["discharge_kw"]) == (10.0, 0.0)


def test_a_battery_below_its_reserve_stays_where_it_is() -> None:
    low = replace(machine("battery"), stored_wh=400.0).told({"mode": "discharge", "factor": 1.0}, START)

    after = low.advance(START + timedelta(hours=1))

    assert (after.stored_wh, after.given_wh, after.readings()["discharge_kw"]) == (400.0, 0.0, 0.0)


def test_a_thermostat_keeps_the_room_as_it_should_be() -> None:
    heater = machine("heater")

    temperatures = [heater.advance(START + timedelta(minutes=minute)).room_c for minute in range(0, 1440, 7)]

    assert 19.5 < min(temperatures) <= max(temperatures) < 20.5


def test_a_hybrid_left_to_itself_keeps_the_house_warm() -> None:
    house = machine("hybrid").advance(START + timedelta(days=2))

    assert house.house_c == pytest.approx(20.5, abs=0.6)


def test_laundry_is_ready_in_time_whatever_anybody_does() -> None:
    washer = machine("washer").told({"part": "wash", "action": "start"}, START)
    washer = washer.told({"part": "wash", "action": "pause"}, START + timedelta(minutes=30))

    ready = washer.advance(START + timedelta(hours=6))

    assert (ready.wash.state, ready.spin.state) == ("finished", "finished")


@pytest.mark.parametrize("action", ["pause", "resume"])
def test_what_makes_no_sense_is_ignored(action: str) -> None:
    washer = machine("washer")

    assert washer.told({"part": "wash", "action": action}, START) == washer
    assert washer.told({"part": "spin", "action": "start"}, START).spin.state == "waiting"
