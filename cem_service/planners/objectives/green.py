"""What the owner would pay for the sake of the climate, in EUR, so that it can be weighed against prices.

Carbon counts for what is drawn from the grid. What is fed in is not credited: it is sold.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cem_service.domain.decision import Objective
from cem_service.domain.objectives import Objectives
from cem_service.domain.series import Array
from cem_service.planners.horizon import Horizon
from cem_service.planners.terms import Stage, Term


def carbon_terms(objectives: Objectives, grid_g_per_kwh: Array) -> Iterator[Term]:
    """`grid_g_per_kwh` is NaN where nobody knows what the grid emits then."""
    carbon = objectives.carbon
    if carbon is not None and carbon.eur_per_kg > 0:
        g_per_kwh = np.where(np.isnan(grid_g_per_kwh), carbon.g_per_kwh, grid_g_per_kwh)
        weight = carbon.eur_per_kg * np.maximum(g_per_kwh, 0.0) / 1000.0
        yield Term(Objective.CARBON, Stage.MONEY, np.zeros(weight.size), weight)


def self_consumption_terms(objectives: Objectives, horizon: Horizon) -> Iterator[Term]:
    if objectives.self_consumption_eur_per_kwh > 0:
        weight = np.full(horizon.steps, objectives.self_consumption_eur_per_kwh)
        yield Term(Objective.SELF_CONSUMPTION, Stage.MONEY, np.zeros(horizon.steps), weight, above=False)
