"""What an aggregator was promised: the net power inside a band, for a time and a price."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cem_service.domain.decision import Objective
from cem_service.domain.objectives import Objectives
from cem_service.planners.horizon import Horizon
from cem_service.planners.objectives.operational import overlaps
from cem_service.planners.terms import Stage, Term


def target_terms(objectives: Objectives, horizon: Horizon) -> Iterator[Term]:
    for target in objectives.targets:
        held = overlaps(target.start, target.end, horizon)
        if not held.any() or target.eur_per_kwh <= 0:
            continue
        weight = np.where(held, target.eur_per_kwh, 0.0)
        for edge_w, above in ((target.upper_w, True), (target.lower_w, False)):
            if np.isfinite(edge_w):
                at_w = np.full(horizon.steps, edge_w)
                yield Term(Objective.ACTIVATION, Stage.ACTIVATION, at_w, weight, above=above, source=target.source)
