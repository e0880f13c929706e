"""One convex cost of the site's net power for each step: prices, the main fuse, the export limit.

The stages of priority are kept apart by magnitude: no price comes near what a kilowatt-hour over a limit costs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from cem_service.domain.series import Array
from cem_service.domain.site import SiteState
from cem_service.planners.horizon import Horizon
from cem_service.planners.plan import STEP

J_PER_KWH = 3.6e6
OVER_LIMIT_EUR_PER_KWH = 50.0

# What is kept free below a limit, since a reaction takes seconds. A kettle or an oven draws some 2 kW from one moment
# to the next, so the fuse keeps that much free, as long as it is not more than a quarter of a small connection. Feeding
# in has no such steps: clouds take it away, and what little is switched off fits into a tenth.
LIMIT_MARGIN_SHARE = 0.10
KETTLE_W = 2000.0
LARGEST_MARGIN_SHARE = 0.25


def usable_limits_w(site: SiteState) -> tuple[float, float]:
    """(import, export) in W that may be planned for: the limits with the margin taken off, both positive.

    The fuse works in both directions; a contract may allow less to go out.
    """
    fuse_w = site.fuse_limit_w
    kettle_w = min(KETTLE_W, LARGEST_MARGIN_SHARE * fuse_w)
    export_w = fuse_w if site.export_limit_w is None else min(site.export_limit_w, fuse_w)
    return fuse_w - max(LIMIT_MARGIN_SHARE * fuse_w, kettle_w), (1 - LIMIT_MARGIN_SHARE) * export_w


@dataclass(frozen=True, slots=True)
class SiteCost:
    """`buy` and `sell` in EUR/kWh per step; limits in W, margin taken off, both positive."""

    buy: Array
    sell: Array
    import_limit_w: float
    export_limit_w: float
    export_can_be_curtailed: bool = False

    @classmethod
    def of(cls, site: SiteState, horizon: Horizon, *, curtailable: bool) -> Self:
        buy, sell = site.tariff.prices(horizon.start, horizon.steps, STEP)
        # Where production can be curtailed, nobody has to feed in at a price below zero.
        sell = np.maximum(sell, 0.0) if curtailable else sell
        return cls(buy, sell, *usable_limits_w(site), curtailable)

    def at(self, steps: NDArray[np.intp]) -> SiteCost:
        """The cost of other stretches of time, each with the prices of the step that is named for it."""
        return replace(self, buy=self.buy[steps], sell=self.sell[steps])

    def eur(self, net_w: Array, durations_s: Array | float) -> Array:
        """EUR for holding `net_w` for `durations_s`; the steps run along the first axis of all arrays."""
        extra_axes = (1,) * (net_w.ndim - 1)
        buy, sell = self.buy.reshape(-1, *extra_axes), self.sell.reshape(-1, *extra_axes)
        over = np.maximum(net_w - self.import_limit_w, 0.0)
        beyond = np.maximum(-net_w - self.export_limit_w, 0.0)
        # What cannot leave the site is curtailed, and earns nothing; without a resource that can do so it is a breach.
        lost = sell if self.export_can_be_curtailed else OVER_LIMIT_EUR_PER_KWH
        eur = np.where(net_w > 0, buy, sell) * net_w + OVER_LIMIT_EUR_PER_KWH * over + lost * beyond
        result: Array = eur * (np.reshape(durations_s, (-1, *extra_axes)) / J_PER_KWH)
        return result
