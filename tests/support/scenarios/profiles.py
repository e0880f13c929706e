"""Machines with power profiles from seeds. Seeds 0-9 are for development, 100 and above judge."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import numpy as np

from cem_service.domain.ppbc import PPBCResource
from s2.messages import PPBCPowerProfileDefinition, PPBCPowerSequence, PPBCPowerSequenceContainer
from tests.support.resources import NOON, measurement, new_id, read_profiles, sequence


def dishwasher(seed: int, now: datetime = NOON) -> PPBCResource:
    """One container: three programmes of which one is to run, within 8 to 16 hours."""
    rng = np.random.default_rng((41, seed))
    heat_w = float(rng.integers(16, 25)) * 100.0
    programmes = (
        sequence("eco", (20, heat_w), (int(rng.integers(60, 110)), 120.0), (20, heat_w), (30, 60.0)),
        sequence("normal", (25, heat_w), (35, 150.0), (25, heat_w), (15, 60.0)),
        sequence("short", (20, heat_w + 300.0), (15, 200.0), (15, heat_w + 300.0)),
    )
    container = PPBCPowerSequenceContainer(id="programme", power_sequences=programmes)
    return _machine("Dishwasher", rng, now, container)


def washing_machine(seed: int, now: datetime = NOON) -> PPBCResource:
    """Washing, then drying in one of two ways, not more than one or two hours later."""
    rng = np.random.default_rng((42, seed))
    wash = sequence("wash", (20, float(rng.integers(18, 23)) * 100.0), (int(rng.integers(40, 70)), 200.0), (10, 500.0))
    pause_ms = int(rng.integers(12, 25)) * 300_000
    dry = (
        sequence("dry", (int(rng.integers(50, 80)), 2400.0), max_pause_ms=pause_ms),
        sequence("dry-gently", (int(rng.integers(110, 160)), 1300.0), max_pause_ms=pause_ms),
    )
    return _machine(
        "Washing machine",
        rng,
        now,
        PPBCPowerSequenceContainer(id="washing", power_sequences=(wash,)),
        PPBCPowerSequenceContainer(id="drying", power_sequences=dry),
    )


def water_heater(seed: int, now: datetime = NOON) -> PPBCResource:
    """Two to four hours of heating that may be interrupted, beside a shorter way that may not."""
    rng = np.random.default_rng((43, seed))
    heat_w = float(rng.integers(10, 21)) * 100.0
    minutes = int(rng.integers(24, 49)) * 5
    ways: tuple[PPBCPowerSequence, ...] = (
        sequence("slow", (minutes, heat_w), interruptible=True),
        sequence("fast", (minutes // 2, 2.1 * heat_w)),
    )
    return _machine("Water heater", rng, now, PPBCPowerSequenceContainer(id="heating", power_sequences=ways))


def _machine(
    name: str, rng: np.random.Generator, now: datetime, *containers: PPBCPowerSequenceContainer
) -> PPBCResource:
    begins = now + timedelta(minutes=int(rng.integers(0, 120)))
    definition = PPBCPowerProfileDefinition(
        message_id=new_id(),
        id="profile",
        start_time=begins,
        end_time=begins + timedelta(hours=float(rng.integers(8, 17))),
        power_sequences_containers=containers,
    )
    return read_profiles(name, [definition, measurement(0.0, now)], now)


MACHINES: Mapping[str, Callable[[int, datetime], PPBCResource]] = {
    "dishwasher": dishwasher,
    "washing machine": washing_machine,
    "water heater": water_heater,
}
