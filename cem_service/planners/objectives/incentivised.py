"""What a supplier or a network charges beside the price of a kilowatt-hour: bandwidths and peaks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cem_service.domain.decision import Objective
from cem_service.domain.objectives import Objectives
from cem_service.planners.horizon import Horizon
from cem_service.planners.plan import STEP
from cem_service.planners.terms import Stage, Term


def bandwidth_terms(objectives: Objectives, horizon: Horizon) -> Iterator[Term]:
    contract = objectives.bandwidth
    if contract is not None and contract.eur_per_kwh > 0:
        at_w = np.full(horizon.steps, contract.contracted_w)
        yield Term(Objective.BANDWIDTH, Stage.MONEY, at_w, np.full(horizon.steps, contract.eur_per_kwh))


def capacity_terms(objectives: Objectives, horizon: Horizon) -> Iterator[Term]:
    """A planner is told what a kW more costs if it lasts one quarter hour; only the highest of them is charged."""
    tariff = objectives.capacity_tariff
    if tariff is not None and tariff.eur_per_kw > 0:
        at_w = np.full(horizon.steps, max(tariff.peak_so_far_w, 0.0))
        told = np.full(horizon.steps, tariff.eur_per_kw * 3600.0 / STEP.total_seconds())
        yield Term(Objective.CAPACITY_TARIFF, Stage.MONEY, at_w, told, eur_per_kw=tariff.eur_per_kw)
