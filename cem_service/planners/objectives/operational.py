"""What the connection can carry, and what the grid operator allows: limits, which have no price."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from cem_service.domain.decision import Objective
from cem_service.domain.objectives import GridLimit, SteerableLimit
from cem_service.domain.series import Array
from cem_service.domain.site import SiteState
from cem_service.planners.horizon import Horizon
from cem_service.planners.margins import usable_limits_w, usable_of_fuse_w, usable_w
from cem_service.planners.terms import PHASE_CIRCUITS, Circuit, Stage, Term


def fuse_terms(import_w: float, export_w: float, sell: Array, *, curtailable: bool) -> Iterator[Term]:
    """Two limits in W, both positive, that hold all the time.

    What cannot leave the site is curtailed, and earns nothing; without a resource that can do so it is a breach.
    """
    breach = np.ones(sell.size)
    yield Term(Objective.FUSE, Stage.FUSE, np.full(sell.size, import_w), breach)
    lost = Stage.MONEY if curtailable else Stage.FUSE
    weight = sell if curtailable else breach
    yield Term(Objective.EXPORT_LIMIT, lost, np.full(sell.size, -export_w), weight, above=False)


def phase_terms(site: SiteState, horizon: Horizon) -> Iterator[Term]:
    """The fuse of each phase, in both directions."""
    if site.fuse_per_phase_w is None:
        return
    breach = np.ones(horizon.steps)
    import_w = np.full(horizon.steps, usable_of_fuse_w(site.fuse_per_phase_w))
    export_w = np.full(horizon.steps, -usable_w(site.fuse_per_phase_w))
    for circuit in PHASE_CIRCUITS:
        yield Term(Objective.FUSE, Stage.FUSE, import_w, breach, circuit=circuit)
        yield Term(Objective.FUSE, Stage.FUSE, export_w, breach, above=False, circuit=circuit)


def grid_terms(site: SiteState, horizon: Horizon) -> Iterator[Term]:
    """The lowest of all grid limits in each step, for either direction."""
    limits = site.objectives.grid_limits
    imports = [(usable_w(one.import_w), one) for one in limits if one.import_w is not None]
    exports = [(usable_w(one.export_w), one) for one in limits if one.export_w is not None]
    import_w, export_w = usable_limits_w(site)
    yield from _lowest(imports, Objective.GRID_LIMIT, horizon, np.full(horizon.steps, import_w))
    yield from _lowest(exports, Objective.GRID_LIMIT, horizon, np.full(horizon.steps, export_w), above=False)


def steerable_terms(site: SiteState, horizon: Horizon, household_w: Array) -> Iterator[Term]:
    """What steered resources may draw, as a limit on the whole site: the rest of the household comes on top.

    What the site produces lowers its net power, so that much more may be drawn.
    """
    limits = [(one.import_w, one) for one in site.objectives.steerable_limits]
    otherwise = np.full(horizon.steps, usable_limits_w(site)[0])
    for term in _lowest(limits, Objective.STEERABLE_LIMIT, horizon, otherwise):
        at_w = np.where(term.weight > 0, term.at_w + np.maximum(household_w, 0.0), term.at_w)
        yield Term(term.objective, term.stage, at_w, term.weight, source=term.source)


def _lowest(
    limits: Sequence[tuple[float, GridLimit | SteerableLimit]],
    objective: Objective,
    horizon: Horizon,
    otherwise_w: Array,
    *,
    above: bool = True,
) -> Iterator[Term]:
    """One term with the lowest limit of each step. Where none holds it weighs nothing, at a power that is possible."""
    lowest = np.full(horizon.steps, np.inf)
    for limit_w, limit in limits:
        held = overlaps(limit.start, limit.end, horizon)
        lowest[held] = np.minimum(lowest[held], limit_w)
    holds = np.isfinite(lowest)
    if not holds.any():
        return
    at_w = np.where(holds, lowest, otherwise_w)
    sources = ", ".join(dict.fromkeys(limit.source for _, limit in limits))
    yield Term(
        objective,
        Stage.GRID,
        at_w if above else -at_w,
        holds.astype(np.float64),
        above=above,
        circuit=Circuit.CONNECTION,
        source=sources,
    )


def overlaps(start: datetime | None, end: datetime | None, horizon: Horizon) -> NDArray[np.bool_]:
    """The steps of which any part lies between the two moments."""
    begins = -np.inf if start is None else start.timestamp()
    ends = np.inf if end is None else end.timestamp()
    steps: NDArray[np.bool_] = (horizon.edges[1:] > begins) & (horizon.edges[:-1] < ends)
    return steps
