"""What the connection lets through at this moment, and which limit says so: the lowest of all that are in force."""

from __future__ import annotations

from dataclasses import dataclass

from cem_service.domain.decision import Objective
from cem_service.domain.site import SiteState
from cem_service.planners.margins import holds_at, usable_limits_w, usable_w


@dataclass(frozen=True, slots=True)
class Bound:
    """`limit_w` is what was set, `usable_w` what may be planned for; both positive, whatever the direction."""

    objective: Objective
    limit_w: float
    usable_w: float
    source: str = ""

    def is_exceeded(self, power_w: float) -> bool:
        """Of a limit on steered resources what all others draw is free, and lies in `usable_w` alone."""
        return power_w > max(self.limit_w, self.usable_w)


@dataclass(frozen=True, slots=True)
class LimitsNow:
    """The lowest bound in each direction."""

    drawing: Bound
    feeding_in: Bound


def limits_now(site: SiteState, household_w: float) -> LimitsNow:
    """The bounds of the site's net power, while all that is not steered draws `household_w`.

    A limit on steered resources leaves that free.
    """
    import_w, export_w = usable_limits_w(site)
    export_limit_w = site.fuse_limit_w if site.export_limit_w is None else min(site.export_limit_w, site.fuse_limit_w)
    drawing = [Bound(Objective.FUSE, site.fuse_limit_w, import_w)]
    feeding_in = [Bound(Objective.EXPORT_LIMIT, export_limit_w, export_w)]
    for limit in site.objectives.grid_limits:
        if holds_at(limit, site.now):
            drawing += _of_grid(limit.import_w, limit.source)
            feeding_in += _of_grid(limit.export_w, limit.source)
    for steered in site.objectives.steerable_limits:
        if holds_at(steered, site.now):
            free_w = steered.import_w + max(household_w, 0.0)
            drawing.append(Bound(Objective.STEERABLE_LIMIT, steered.import_w, free_w, steered.source))
    return LimitsNow(*(min(bounds, key=lambda bound: bound.usable_w) for bounds in (drawing, feeding_in)))


def _of_grid(limit_w: float | None, source: str) -> list[Bound]:
    return [] if limit_w is None else [Bound(Objective.GRID_LIMIT, limit_w, usable_w(limit_w), source)]
