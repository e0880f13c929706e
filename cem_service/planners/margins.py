"""How much of a limit may be used: planned powers are means and forecasts, and a reaction takes seconds.

A kettle or an oven draws some 2 kW from one moment to the next, so a fuse keeps that much free, as long as it is not
more than a quarter of a small one. Feeding in has no such steps: clouds take it away, and what little is switched off
fits into a tenth. What the grid asks for is measured over minutes, so a tenth is enough there too.
"""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

from cem_service.domain.objectives import GridLimit, SteerableLimit
from cem_service.domain.series import Array
from cem_service.domain.site import SiteState

PowerT = TypeVar("PowerT", float, Array)

LIMIT_MARGIN_SHARE = 0.10
KETTLE_W = 2000.0
LARGEST_MARGIN_SHARE = 0.25


def usable_of_fuse_w(fuse_w: float) -> float:
    """What may be planned to be drawn through a fuse of `fuse_w`, of the connection or of one phase."""
    kettle_w = min(KETTLE_W, LARGEST_MARGIN_SHARE * fuse_w)
    return fuse_w - max(LIMIT_MARGIN_SHARE * fuse_w, kettle_w)


def usable_w(limit_w: PowerT) -> PowerT:
    """What may be planned for within any other limit."""
    return (1 - LIMIT_MARGIN_SHARE) * limit_w


def usable_limits_w(site: SiteState) -> tuple[float, float]:
    """(import, export) in W that may always be planned for, both positive: fuse and contract, less the margin.

    The fuse works in both directions; a contract may allow less to go out.
    """
    export_w = site.fuse_limit_w if site.export_limit_w is None else min(site.export_limit_w, site.fuse_limit_w)
    return usable_of_fuse_w(site.fuse_limit_w), usable_w(export_w)


def holds_at(limit: GridLimit | SteerableLimit, moment: datetime) -> bool:
    return (limit.start is None or limit.start <= moment) and (limit.end is None or moment < limit.end)
