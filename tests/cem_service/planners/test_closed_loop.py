"""The planner and the reactive layer together, over a day in virtual time."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from tests.support.closed_loop import House, SimulatedStore
from tests.support.resources import NOON, battery, ev_charger, heat_pump
from tests.support.sites import EVENING_PEAK

MIDNIGHT = NOON.replace(hour=0)
DAY = timedelta(hours=24)


def sun_w(moment: datetime) -> float:
    hour = moment.hour + moment.minute / 60
    return max(0.0, 4500.0 * math.sin((hour - 6) / 13 * math.pi)) if 6 < hour < 19 else 0.0


def load_w(moment: datetime) -> float:
    """350 W, more in the evening, and a kettle five minutes after each full hour."""
    kettle_w = 2000.0 if 5 <= moment.minute < 10 else 0.0
    return 350.0 + (1400.0 if 17 <= moment.hour < 21 else 0.0) + kettle_w


def house(start: datetime = MIDNIGHT, tick: timedelta = timedelta(minutes=5), **stores: SimulatedStore) -> House:
    named = {name.replace("_", " "): store for name, store in stores.items()}
    return House(start, EVENING_PEAK, load_w, sun_w, named, tick=tick)


def home_battery() -> SimulatedStore:
    return SimulatedStore(battery, 1.0, ("idle", 0.0))


def test_a_battery_lowers_the_cost_and_raises_self_consumption() -> None:
    idle = house(Home_battery=home_battery()).run(DAY, steered=False)
    steered = house(Home_battery=home_battery()).run(DAY, steered=True)

    # What is left beyond the start is not counted as a gain, what is missing counts at the highest price.
    used_up_eur = max(0.0, 1.0 - steered.stores["Home battery"].level) * 0.40
    assert steered.cost_eur + used_up_eur < idle.cost_eur - 1.0
    assert steered.self_consumption > idle.self_consumption + 0.15
    assert steered.stores["Home battery"].switches < 40


def test_a_whole_home_keeps_its_fuse_its_comfort_and_its_departure_through_the_night() -> None:
    evening, departure = MIDNIGHT + timedelta(hours=20), MIDNIGHT + timedelta(hours=31)
    home = house(
        evening,
        timedelta(minutes=1),
        Home_battery=home_battery(),
        EV_charger=SimulatedStore(
            lambda level, active, w, now: ev_charger(level, active=active, power_w=w, now=now, departure=departure),
            30.0,
            ("off", 0.0),
        ),
        Heat_pump=SimulatedStore(
            lambda level, active, w, now: heat_pump(
                level,
                active=active[0],
                power_w=w,
                now=now,
                usage_per_s=lambda hour: 0.0016 if 6 <= hour < 9 else 0.0006,
            ),
            50.0,
            ("off", 0.0),
        ),
    )

    home.run(departure - evening, steered=True)

    assert home.over_fuse == []
    assert home.stores["EV charger"].level >= 79.5
    assert home.stores["Heat pump"].lowest_seen >= 40.0
    assert home.stores["Heat pump"].highest_seen <= 60.0
    assert home.stores["Heat pump"].switches <= 40
