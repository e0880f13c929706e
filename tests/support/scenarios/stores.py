"""Stores from seeds, each as its Resource Manager would describe it, in the surroundings of the same seed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from cem_service.domain.frbc import FRBCResource
from s2.messages import (
    FRBCLeakageBehaviour,
    FRBCLeakageBehaviourElement,
    FRBCUsageForecast,
    FRBCUsageForecastElement,
    Message,
    Timer,
    Transition,
)
from tests.support.resources import (
    HOUR_MS,
    actuator,
    element,
    mode,
    new_id,
    number_range,
    read_store,
    store_messages,
    target_profile,
)
from tests.support.scenarios.surroundings import MIDNIGHT, Surroundings, surroundings

J_PER_KWH = 3.6e6
MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class StoreScenario:
    name: str
    resource: FRBCResource
    around: Surroundings


def battery(seed: int) -> StoreScenario:
    """5 to 15 kWh, 2.5 to 5 kW, 92 to 97 % each way; its level is in percent."""
    random = np.random.default_rng((31, seed))
    capacity_kwh, power_w = random.uniform(5, 15), random.uniform(2500, 5000)
    one_way = random.uniform(0.92, 0.97)
    per_joule = 100.0 / (capacity_kwh * J_PER_KWH)
    whole = (0.0, 100.0)
    description = actuator(
        (
            mode("charge", element(whole, (0.0, power_w * one_way * per_joule), (0.0, power_w))),
            mode("idle", element(whole, (0.0, 0.0), (0.0, 0.0))),
            mode("discharge", element(whole, (0.0, -power_w / one_way * per_joule), (0.0, -power_w))),
        )
    )
    messages = store_messages(
        description,
        levels=whole,
        level=float(random.uniform(10, 90)),
        active=[("actuator", "idle", 0.0)],
        now=MIDNIGHT,
    )
    return StoreScenario("Battery", read_store("Battery", messages, MIDNIGHT), surroundings(seed))


def car(seed: int) -> StoreScenario:
    """40 to 80 kWh, off or 1.4 to 7.4 kW (11 kW on every fourth), to be ready at some hour between 6 and 19."""
    random = np.random.default_rng((32, seed))
    capacity_kwh, highest_w = random.uniform(40, 80), 11_000.0 if seed % 4 == 3 else 7400.0
    per_joule = 0.9 * 100.0 / (capacity_kwh * J_PER_KWH)
    lowest_w = 4140.0 if seed % 4 == 3 else 1380.0
    whole = (0.0, 100.0)
    charge = mode("charge", element(whole, (lowest_w * per_joule, highest_w * per_joule), (lowest_w, highest_w)))
    off = mode("off", element(whole, (0.0, 0.0), (0.0, 0.0)))
    departs = timedelta(hours=int(random.integers(6, 20)))
    level = float(random.uniform(10, 60))
    wanted = min(level + float(random.uniform(10, 45)), 90.0)
    profile = target_profile([(departs, whole), (timedelta(hours=1), (wanted, 100.0))], MIDNIGHT)
    messages = store_messages(
        actuator((off, charge)),
        levels=whole,
        level=level,
        active=[("actuator", "off", 0.0)],
        now=MIDNIGHT,
        extra=[profile],
    )
    return StoreScenario("Car", read_store("Car", messages, MIDNIGHT), surroundings(seed, fuse_w=13_000.0))


def heat_pump(seed: int) -> StoreScenario:
    """A buffer for heat of 10 degrees, on or off, an hour on at least and half an hour off; leaky and drawn from."""
    random = np.random.default_rng((33, seed))
    power_w, warms_per_s = random.uniform(1500, 3000), random.uniform(1.4, 2.2) / 900
    whole = (40.0, 50.0)
    extra: list[Message] = [_leakage(whole, 0.02 / 900), _usage(random, warms_per_s)]
    description = actuator(
        (
            mode("off", element(whole, (0.0, 0.0), (0.0, 0.0))),
            mode("on", element(whole, (warms_per_s, warms_per_s), (power_w, power_w))),
        ),
        _on_and_off("off", "on"),
        (Timer(id="least-on", duration=60 * MINUTE_MS), Timer(id="least-off", duration=30 * MINUTE_MS)),
    )
    messages = store_messages(
        description,
        levels=whole,
        level=float(random.uniform(43, 48)),
        active=[("actuator", "off", 0.0)],
        now=MIDNIGHT,
        extra=extra,
    )
    return StoreScenario("Heat pump", read_store("Heat pump", messages, MIDNIGHT), surroundings(seed))


def _on_and_off(off: str, on: str) -> tuple[Transition, ...]:
    return tuple(
        Transition(
            id=f"{start}-{end}",
            from_=start,
            to=end,
            start_timers=(starts,),
            blocking_timers=(blocked_by,),
            abnormal_condition_only=False,
        )
        for start, end, starts, blocked_by in ((off, on, "least-on", "least-off"), (on, off, "least-off", "least-on"))
    )


def _leakage(whole: tuple[float, float], rate_per_s: float) -> FRBCLeakageBehaviour:
    band = FRBCLeakageBehaviourElement(fill_level_range=number_range(*whole), leakage_rate=rate_per_s)
    return FRBCLeakageBehaviour(message_id=new_id(), valid_from=MIDNIGHT, elements=(band,))


def _usage(random: np.random.Generator, warms_per_s: float) -> FRBCUsageForecast:
    """A quarter to a half of what the heat pump can give, by the hour; more in the morning and the evening."""
    hours = np.arange(25)
    shape = 0.25 + 0.2 * np.exp(-(((hours - 7) / 1.5) ** 2)) + 0.15 * np.exp(-(((hours - 19) / 2.0) ** 2))
    rates = warms_per_s * (shape + random.uniform(-0.08, 0.08, hours.size))
    elements = tuple(FRBCUsageForecastElement(duration=HOUR_MS, usage_rate_expected=float(rate)) for rate in rates)
    return FRBCUsageForecast(message_id=new_id(), start_time=MIDNIGHT, elements=elements)


#: Those with modes, timers and minimum powers: not convex.
WITH_MODES: Mapping[str, Callable[[int], StoreScenario]] = {"car": car, "heat pump": heat_pump}
