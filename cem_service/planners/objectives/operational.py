"""What the connection can carry, and what the grid operator allows: limits, which have no price."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from cem_service.domain.decision import Objective
from cem_service.domain.objectives import GridLimit, SteerableLimit
from cem_service.domain.series import Array
from cem_service.domain.site import SiteState
from cem_service.planners.horizon import Horizon
from cem_service.planners.margins import usable_limits_w, usable_of_fuse_w, usable_w
from cem_service.planners.terms import PHASE_CIRCUITS, Stage, Term


@dataclass(frozen=True, slots=True)
class Limit:
    """What holds all the time, in W and positive: as it was set, and how much of it may be planned for."""

    allowed_w: float
    usable_w: float


def connection_limits(site: SiteState) -> tuple[Limit, Limit]:
    """(import, export)."""
    import_w, export_w = usable_limits_w(site)
    fuse_w = site.fuse_limit_w
    allowed_w = fuse_w if site.export_limit_w is None else min(site.export_limit_w, fuse_w)
    return Limit(fuse_w, import_w), Limit(allowed_w, export_w)


def fuse_terms(imports: Limit, exports: Limit, steps: int, vanishing_w: Array | None = None) -> Iterator[Term]:
    """Up to `vanishing_w` more may be fed in than what is allowed: see `vanishing_terms`."""
    breach = np.ones(steps)
    yield Term(
        Objective.FUSE,
        Stage.FUSE,
        np.full(steps, imports.usable_w),
        breach,
        allowed_w=np.full(steps, imports.allowed_w),
    )
    extra_w = np.zeros(steps) if vanishing_w is None else vanishing_w
    yield Term(
        Objective.EXPORT_LIMIT,
        Stage.FUSE,
        -exports.usable_w - extra_w,
        breach,
        above=False,
        allowed_w=-exports.allowed_w - extra_w,
    )


def vanishing_terms(exports: Limit, sell: Array, vanishing_w: Array) -> Iterator[Term]:
    """What a resource that gives way feeds in earns nothing beyond the limit, and costs nothing at prices below zero.

    Those are taken for zero already; beyond what can vanish the price is what it is.
    """
    at_a_gain, at_a_loss = np.maximum(sell, 0.0), np.maximum(-sell, 0.0)
    limit_w = np.full(sell.size, -exports.usable_w)
    yield Term(Objective.EXPORT_LIMIT, Stage.MONEY, limit_w, at_a_gain, above=False)
    yield Term(Objective.PRICE, Stage.MONEY, -vanishing_w, at_a_loss, above=False)


def phase_terms(site: SiteState, horizon: Horizon) -> Iterator[Term]:
    """The fuse of each phase, in both directions."""
    if site.fuse_per_phase_w is None:
        return
    steps, breach, fuse_w = horizon.steps, np.ones(horizon.steps), site.fuse_per_phase_w
    for circuit in PHASE_CIRCUITS:
        for sign, usable in ((1.0, usable_of_fuse_w(fuse_w)), (-1.0, usable_w(fuse_w))):
            yield Term(
                Objective.FUSE,
                Stage.FUSE,
                np.full(steps, sign * usable),
                breach,
                above=sign > 0,
                circuit=circuit,
                allowed_w=np.full(steps, sign * fuse_w),
            )


def grid_terms(site: SiteState, horizon: Horizon) -> Iterator[Term]:
    """The lowest of all grid limits in each step, for either direction."""
    limits = site.objectives.grid_limits
    imports = [(one.import_w, one) for one in limits if one.import_w is not None]
    exports = [(one.export_w, one) for one in limits if one.export_w is not None]
    import_w, export_w = usable_limits_w(site)
    for found, otherwise_w, sign in ((imports, import_w, 1.0), (exports, export_w, -1.0)):
        lowest = _lowest(found, horizon)
        holds = np.isfinite(lowest)
        if holds.any():
            yield Term(
                Objective.GRID_LIMIT,
                Stage.GRID,
                sign * np.where(holds, usable_w(lowest), otherwise_w),
                holds.astype(np.float64),
                above=sign > 0,
                source=_sources(one for _, one in found),
                allowed_w=sign * np.where(holds, lowest, otherwise_w),
            )


def steerable_terms(site: SiteState, horizon: Horizon, household_w: Array) -> Iterator[Term]:
    """What steered resources may draw, as a limit on the whole site: the rest of the household comes on top.

    What the site produces lowers its net power, so that much more may be drawn.
    """
    limits = [(one.import_w, one) for one in site.objectives.steerable_limits]
    lowest = _lowest(limits, horizon)
    holds = np.isfinite(lowest)
    if holds.any():
        at_w = np.where(holds, lowest + np.maximum(household_w, 0.0), usable_limits_w(site)[0])
        sources = _sources(one for _, one in limits)
        yield Term(Objective.STEERABLE_LIMIT, Stage.GRID, at_w, holds.astype(np.float64), source=sources)


def _lowest(limits: Iterable[tuple[float, GridLimit | SteerableLimit]], horizon: Horizon) -> Array:
    """W for each step; infinite where none holds."""
    lowest = np.full(horizon.steps, np.inf)
    for limit_w, limit in limits:
        held = overlaps(limit.start, limit.end, horizon)
        lowest[held] = np.minimum(lowest[held], limit_w)
    return lowest


def _sources(limits: Iterable[GridLimit | SteerableLimit]) -> str:
    return ", ".join(dict.fromkeys(limit.source for limit in limits))


def overlaps(start: datetime | None, end: datetime | None, horizon: Horizon) -> NDArray[np.bool_]:
    """The steps of which any part lies between the two moments."""
    begins = -np.inf if start is None else start.timestamp()
    ends = np.inf if end is None else end.timestamp()
    steps: NDArray[np.bool_] = (horizon.edges[1:] > begins) & (horizon.edges[:-1] < ends)
    return steps
