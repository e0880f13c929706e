"""Devices under OMBC and DDBC from seeds, in the surroundings of the same seed. For seeds see `surroundings.py`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Generic, TypeVar

import numpy as np

from cem_service.domain.ddbc import DDBCResource
from cem_service.domain.ombc import OMBCResource
from cem_service.domain.series import Array
from tests.support.mode_resources import (
    ddbc_actuator,
    ddbc_messages,
    ddbc_mode,
    gas,
    ombc_messages,
    ombc_mode,
    power,
    read_ddbc,
    read_ombc,
    timer,
    way,
)
from tests.support.scenarios.surroundings import MIDNIGHT, Surroundings, surroundings

MINUTE = timedelta(minutes=1)
R = TypeVar("R", OMBCResource, DDBCResource)


@dataclass(frozen=True, slots=True)
class ModeScenario(Generic[R]):
    resource: R
    around: Surroundings


def ombc_scenario(seed: int, steps: int = 96) -> ModeScenario[OMBCResource]:
    """By turns a generator that warms up, and a boiler of several stages whose heat is worth something."""
    random = np.random.default_rng((23, seed))
    around = surroundings(seed)
    device = _generator(random) if seed % 2 else _staged_boiler(random)
    return ModeScenario(device, _first(around, steps))


def ddbc_scenario(seed: int, steps: int = 96) -> ModeScenario[DDBCResource]:
    """A hybrid heat pump in a house that wants more heat at night and in the morning."""
    random = np.random.default_rng((29, seed))
    hours = np.arange(96) / 4
    shape = 1.0 + 0.4 * np.cos((hours - 4) / 24 * 2 * np.pi) + 0.6 * np.exp(-(((hours - 7) / 1.2) ** 2))
    demand_w = random.uniform(2500, 6000) * shape * random.uniform(0.9, 1.1, 96)
    return ModeScenario(_hybrid(random, demand_w), _first(surroundings(seed), steps))


def _first(around: Surroundings, steps: int) -> Surroundings:
    return replace(
        around,
        horizon=replace(around.horizon, steps=steps),
        buy=around.buy[:steps],
        sell=around.sell[:steps],
        base_w=around.base_w[:steps],
    )


def _generator(random: np.random.Generator) -> OMBCResource:
    """Off, warm at no load, or from a third of its power on; it runs and rests for a while at least."""
    largest_w = float(random.uniform(2000, 6000))
    eur_per_s = largest_w / 1000 * float(random.uniform(0.18, 0.30)) / 3600
    run, rest = ("run",), ("rest",)
    messages = ombc_messages(
        (
            ombc_mode("off", 0.0),
            ombc_mode("warm", 0.0, cost_per_s=0.1 * eur_per_s),
            ombc_mode("low", -largest_w / 3, -largest_w / 2, cost_per_s=0.55 * eur_per_s),
            ombc_mode("full", -largest_w / 2, -largest_w, cost_per_s=eur_per_s),
        ),
        (
            way("off", "warm", starts=run, blocked_by=rest, takes=5 * MINUTE, costs=float(random.uniform(0.02, 0.10))),
            way("warm", "low", takes=MINUTE),
            way("low", "full", takes=20 * MINUTE),
            way("full", "low"),
            way("low", "warm"),
            way("warm", "off", starts=rest, blocked_by=run),
        ),
        (timer("run", float(random.uniform(30, 120)) * MINUTE), timer("rest", float(random.uniform(20, 90)) * MINUTE)),
        active=("off", 0.0),
        timers_end={"rest": MIDNIGHT + 25 * MINUTE},
        now=MIDNIGHT,
    )
    return read_ombc("Generator", messages, MIDNIGHT)


def _staged_boiler(random: np.random.Generator) -> OMBCResource:
    """Off costs what its heat is worth at full power, and the stages what is then still missing of it."""
    largest_w, worth = float(random.uniform(2000, 4500)), float(random.uniform(0.08, 0.20))
    missing_per_s = largest_w / 1000 * worth / 3600
    hold = ("hold",)
    shares = {"off": 0.0, "third": 1 / 3, "two-thirds": 2 / 3, "full": 1.0}
    messages = ombc_messages(
        [ombc_mode(name, share * largest_w, cost_per_s=(1 - share) * missing_per_s) for name, share in shares.items()],
        [
            way(start, end, starts=hold, blocked_by=hold, costs=float(random.uniform(0.0, 0.02)))
            for start in shares
            for end in shares
            if start != end
        ],
        (timer("hold", float(random.uniform(10, 80)) * MINUTE),),
        active=("off", 0.0),
        now=MIDNIGHT,
    )
    return read_ombc("Boiler", messages, MIDNIGHT)


def _hybrid(random: np.random.Generator, demand_w: Array) -> DDBCResource:
    cop, largest_w = float(random.uniform(2.5, 4.5)), float(random.uniform(5000, 9000))
    fuel_per_heat = 1 / 0.95
    messages = ddbc_messages(
        ddbc_actuator(
            "pump",
            (
                ddbc_mode("off", (0.0, 0.0), power(0.0, 0.0)),
                ddbc_mode("on", (0.3 * largest_w, largest_w), power(0.3 * largest_w / cop, largest_w / cop)),
                ddbc_mode("rod", (largest_w, largest_w + 3000), power(largest_w / cop, largest_w / cop + 3000)),
            ),
            (
                way("off", "on", starts=("run",), blocked_by=("rest",), takes=3 * MINUTE),
                way("on", "off", starts=("rest",), blocked_by=("run",)),
                way("on", "rod"),
                way("rod", "on"),
            ),
            (
                timer("run", float(random.uniform(20, 70)) * MINUTE),
                timer("rest", float(random.uniform(10, 40)) * MINUTE),
            ),
        ),
        ddbc_actuator(
            "boiler",
            (
                ddbc_mode("off", (0.0, 0.0), gas(0.0, 0.0)),
                ddbc_mode("on", (3000.0, 18_000.0), gas(3000 * fuel_per_heat, 18_000 * fuel_per_heat)),
            ),
            (way("off", "on", starts=("burn",), costs=0.01), way("on", "off", blocked_by=("burn",))),
            (timer("burn", 20 * MINUTE),),
        ),
        active={"pump": ("on", 0.0), "boiler": ("off", 0.0)},
        demand=(float(demand_w[0]), float(demand_w[0])),
        forecast=demand_w.tolist(),
        timers_end={("pump", "run"): MIDNIGHT + 20 * MINUTE},
        now=MIDNIGHT,
    )
    return read_ddbc("Hybrid heat pump", messages, MIDNIGHT)
