"""Homes from seeds: sun, battery, car, heat pump and dishwasher behind a tight fuse. All synthetic.

Seeds 0-9 are for development, 100 and above judge.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from cem_service.domain.frbc import FRBCResource
from cem_service.domain.ppbc import PPBCResource
from cem_service.domain.resource import Resource
from cem_service.domain.site import SiteState
from cem_service.domain.tariff import Tariff
from cem_service.planners.horizon import Horizon
from cem_service.planners.margins import usable_limits_w
from cem_service.planners.plan import STEP
from s2.messages import PPBCPowerSequenceContainer
from tests.support.resources import dishwasher, link_id, sequence
from tests.support.scenarios import stores
from tests.support.scenarios.surroundings import MIDNIGHT, surroundings

# 8 kW of it may be planned for.
FUSE_W = 10_000.0
# Steps for which a heat pump stays on, and off.
LEAST_ON, LEAST_OFF = 4, 2


@dataclass(frozen=True, slots=True)
class Building:
    """`stores` and `machine` are the site's resources; the sun is a part of its base load."""

    site: SiteState
    horizon: Horizon
    stores: tuple[FRBCResource, ...]
    machine: PPBCResource

    @property
    def limits_w(self) -> tuple[float, float]:
        """(import, export) that may be planned for, both positive."""
        return usable_limits_w(self.site)


def building(seed: int) -> Building:
    around = surroundings(seed)
    made = (stores.battery(seed), stores.car(seed), stores.heat_pump(seed))
    machine = washing_up(seed)
    resources: tuple[Resource, ...] = (*(one.resource for one in made), machine)
    edges = [MIDNIGHT + index * STEP for index in range(around.horizon.steps)]
    site = SiteState(
        site_id=link_id("building"),
        now=MIDNIGHT,
        timezone="UTC",
        fuse_limit_w=FUSE_W,
        tariff=Tariff(_by_hour(around.buy), _by_hour(around.sell)),
        resources=resources,
        main_meter_w=float(around.base_w[0]),
        main_meter_at=MIDNIGHT,
        # The day before was like this one.
        base_history={
            edge - timedelta(days=1): float(power_w) for edge, power_w in zip(edges, around.base_w, strict=True)
        },
    )
    return Building(site, around.horizon, tuple(one.resource for one in made), machine)


def washing_up(seed: int) -> PPBCResource:
    """Three programmes of which one is to run, within 10 to 18 hours."""
    random = np.random.default_rng((34, seed))
    heat_w = float(random.integers(16, 25)) * 100.0
    programmes = (
        sequence("eco", (20, heat_w), (int(random.integers(12, 22)) * 5, 120.0), (20, heat_w), (30, 60.0)),
        sequence("normal", (25, heat_w), (35, 150.0), (25, heat_w), (15, 60.0)),
        sequence("short", (20, heat_w + 300.0), (15, 200.0), (15, heat_w + 300.0)),
    )
    container = PPBCPowerSequenceContainer(id="programme", power_sequences=programmes)
    return dishwasher(container, now=MIDNIGHT, window=timedelta(hours=float(random.integers(10, 19))))


def _by_hour(values: np.ndarray) -> tuple[float, ...]:
    return tuple(float(value) for value in values.reshape(24, 4).mean(axis=1))
