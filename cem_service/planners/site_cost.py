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

# What is kept free below a limit. A kettle, an oven or a cloud's edge moves a home's power by some 2 kW within a
# second, and a reaction takes several; with the share free, most such steps stay below the limit.
LIMIT_MARGIN = 0.10


@dataclass(frozen=True, slots=True)
class SiteCost:
    """`buy` and `sell` in EUR/kWh per step; limits in W, margin taken off, both positive."""

    buy: Array
    sell: Array
    import_limit_w: float
    export_limit_w: float
    export_can_be_curtailed: bool = False

    @classmethod
    def of(cls, site: SiteState, horizon: Horizon, *, curtailable: bool, margin: float = LIMIT_MARGIN) -> Self:
        buy, sell = site.tariff.prices(horizon.start, horizon.steps, STEP)
        # Where production can be curtailed, nobody has to feed in at a price below zero.
        sell = np.maximum(sell, 0.0) if curtailable else sell
        # The fuse works in both directions; a contract may allow less to go out.
        export_w = site.fuse_limit_w if site.export_limit_w is None else min(site.export_limit_w, site.fuse_limit_w)
        return cls(buy, sell, (1 - margin) * site.fuse_limit_w, (1 - margin) * export_w, curtailable)

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
