"""One cost of the site's net power for each step of a plan, as a sum of terms that each name their objective.

A term is a hinge: nothing up to a power, so much for each kilowatt-hour beyond it. Tariffs, limits and targets are all
made of these, so that a plan can say what each of them cost. The stages of priority are kept apart by magnitude: no
price comes near what a kilowatt-hour over a limit costs.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Self

import numpy as np

from cem_service.domain.decision import Objective
from cem_service.domain.series import Array
from cem_service.domain.site import SiteState
from cem_service.planners.horizon import Horizon
from cem_service.planners.plan import STEP
from cem_service.planners.power_cost import J_PER_KWH, PowerCost

OVER_LIMIT_EUR_PER_KWH = 50.0

# What is kept free below a limit, since a reaction takes seconds. A kettle or an oven draws some 2 kW from one moment
# to the next, so the fuse keeps that much free, as long as it is not more than a quarter of a small connection. Feeding
# in has no such steps: clouds take it away, and what little is switched off fits into a tenth.
LIMIT_MARGIN_SHARE = 0.10
KETTLE_W = 2000.0
LARGEST_MARGIN_SHARE = 0.25


class Stage(IntEnum):
    """What rules out what: a stage yields to all before it. Weights are compared inside a stage only."""

    FUSE = 1
    GRID = 2
    ACTIVATION = 3
    COMFORT = 4
    MONEY = 5
    TIDY = 6


@dataclass(frozen=True, slots=True)
class Term:
    """`weight` EUR/kWh for each watt of net power above `at_w`, or below it where `above` is False; both (steps,)."""

    objective: Objective
    stage: Stage
    at_w: Array
    weight: Array
    above: bool = True

    def beyond_w(self, net_w: Array) -> Array:
        """How far `net_w` is beyond the hinge, in W; the steps run along its first axis."""
        at_w = self.at_w.reshape(-1, *(1,) * (net_w.ndim - 1))
        beyond: Array = np.maximum(net_w - at_w if self.above else at_w - net_w, 0.0)
        return beyond


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
    """`buy` and `sell` in EUR/kWh per step; `terms` hold the limits and whatever else the site pursues."""

    buy: Array
    sell: Array
    terms: tuple[Term, ...] = ()

    @classmethod
    def of(cls, site: SiteState, horizon: Horizon, *, curtailable: bool) -> Self:
        buy, sell = site.tariff.prices(horizon.start, horizon.steps, STEP)
        # Where production can be curtailed, nobody has to feed in at a price below zero.
        sell = np.maximum(sell, 0.0) if curtailable else sell
        import_w, export_w = usable_limits_w(site)
        return cls.within(buy, sell, import_w, export_w, curtailable=curtailable)

    @classmethod
    def within(
        cls, buy: Array, sell: Array, import_limit_w: float, export_limit_w: float, *, curtailable: bool = False
    ) -> Self:
        """Prices and two limits in W, both positive, that hold all the time.

        What cannot leave the site is curtailed, and earns nothing; without a resource that can do so it is a breach.
        """
        breach = np.full(buy.size, OVER_LIMIT_EUR_PER_KWH)
        over = Term(Objective.FUSE, Stage.FUSE, np.full(buy.size, import_limit_w), breach)
        lost = Stage.MONEY if curtailable else Stage.FUSE
        beyond = Term(
            Objective.EXPORT_LIMIT,
            lost,
            np.full(buy.size, -export_limit_w),
            sell if curtailable else breach,
            above=False,
        )
        return cls(buy, sell, (over, beyond))

    def eur(self, net_w: Array, durations_s: Array | float) -> Array:
        """EUR for holding `net_w` for `durations_s`; the steps run along the first axis of all arrays."""
        extra_axes = (1,) * (net_w.ndim - 1)
        cost = np.where(net_w > 0, self.buy.reshape(-1, *extra_axes), self.sell.reshape(-1, *extra_axes)) * net_w
        for term in self.terms:
            cost = cost + term.weight.reshape(-1, *extra_axes) * term.beyond_w(net_w)
        result: Array = cost * (np.reshape(durations_s, (-1, *extra_axes)) / J_PER_KWH)
        return result

    def seen_by(self, others_w: Array) -> PowerCost:
        """The same cost by the power of one device, while everything else takes `others_w`, shape (steps,)."""
        offset, slope = self.sell * others_w, self.sell.copy()
        at_w, weights = [-others_w], [self.buy - self.sell]
        for term in self.terms:
            at_w.append(term.at_w - others_w)
            weights.append(term.weight)
            if not term.above:
                # max(0, at - net) is max(0, net - at) less (net - at).
                slope -= term.weight
                offset += term.weight * (term.at_w - others_w)
        return PowerCost(offset, slope, np.stack(at_w, axis=1), np.stack(weights, axis=1))
