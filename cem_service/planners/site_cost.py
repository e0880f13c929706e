"""One cost of the site's power for each step of a plan, as a sum of terms that each name their objective.

A term is a hinge: nothing up to a power, so much for each kilowatt-hour beyond it. Tariffs, limits and targets are all
made of these, so that a plan can say what each of them cost. A planner of one device is shown the same cost as a
function of its own power, with the stages of priority kept apart by magnitude; whole plans of the site are compared
stage by stage.

Powers of the site are `loads_w`: (circuits, steps) with the connection first and the phases after it, or (steps,) for
the connection alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from cem_service.domain.decision import Objective
from cem_service.domain.phases import EVEN, PhaseShares
from cem_service.domain.series import Array
from cem_service.domain.site import SiteState
from cem_service.planners.horizon import Horizon
from cem_service.planners.kernels.seen import Seen, hinges_beside
from cem_service.planners.objectives.external import target_terms
from cem_service.planners.objectives.green import carbon_terms, self_consumption_terms
from cem_service.planners.objectives.incentivised import bandwidth_terms, capacity_terms
from cem_service.planners.objectives.operational import (
    Limit,
    connection_limits,
    fuse_terms,
    grid_terms,
    phase_terms,
    steerable_terms,
    vanishing_terms,
)
from cem_service.planners.plan import STEP
from cem_service.planners.power_cost import J_PER_KWH, PowerCost
from cem_service.planners.terms import EUR_PER_UNIT, MOST_MONEY_EUR_PER_KWH, Stage, Term

# What is left in a store at the end of a plan saves buying it in the cheapest hours of another day.
CHEAPEST_SHARE = 0.25
# To go through an enumeration takes longer than to add up a stage.
STAGES = tuple(Stage)


@dataclass(frozen=True, slots=True)
class _Stacked:
    """All terms as arrays: (terms, steps), or (terms,) for what does not change over time."""

    at_w: Array
    weight: Array
    told_eur: Array  # the weight with the stages kept apart, as planners are told it
    sign: Array  # 1 above, -1 below
    circuit: NDArray[np.intp]
    is_paid: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _View:
    """What a device with certain shares of the phases sees of the terms, whatever everything else does.

    `slope` and `weights` are in EUR/kWh of its own power, and so is what of them is paid.
    """

    seen: Seen
    slope: Array
    weights: Array
    paid_slope: Array
    paid_weights: Array


@dataclass(frozen=True)
class SiteCost:
    """`buy` and `sell` in EUR/kWh per step; `terms` hold the limits and whatever else the site pursues.

    What a kWh is worth beyond the last step, `leftover_eur_per_kwh` to a store that only takes and
    `returned_eur_per_kwh` to one that gives back; None leaves it to each planner.
    """

    buy: Array
    sell: Array
    terms: tuple[Term, ...] = ()
    leftover_eur_per_kwh: float | None = None
    returned_eur_per_kwh: float | None = None

    @classmethod
    def of(
        cls,
        site: SiteState,
        horizon: Horizon,
        *,
        base_w: Array | None = None,
        household_w: Array | None = None,
        vanishing_w: Array | None = None,
    ) -> Self:
        """`base_w` is all that is not planned for, `household_w` that of it which only draws; 0 where not given.

        `vanishing_w` is how much of what is fed in may vanish where it is too much, as the others see it who are
        coordinated before that gives way.
        """
        buy, sell = site.prices(horizon.start, horizon.steps, STEP)
        imports, exports = connection_limits(site)
        vanishing: Iterable[Term] = ()
        if vanishing_w is not None:
            vanishing, sell = tuple(vanishing_terms(exports, sell, vanishing_w)), np.maximum(sell, 0.0)
        nothing = np.zeros(horizon.steps)
        terms = (
            *fuse_terms(imports, exports, horizon.steps, vanishing_w),
            *vanishing,
            *phase_terms(site, horizon),
            *grid_terms(site, horizon),
            *steerable_terms(site, horizon, nothing if household_w is None else household_w),
            *target_terms(site.objectives, horizon),
            *bandwidth_terms(site.objectives, horizon),
            *capacity_terms(site.objectives, horizon),
            *carbon_terms(site.objectives, site.grid_g_per_kwh(horizon.edges)),
            *self_consumption_terms(site.objectives, horizon),
        )
        marginal = cls(buy, sell, terms).marginal_eur_per_kwh(nothing if base_w is None else base_w)
        return cls(buy, sell, terms, _of_cheapest(marginal), float(marginal.mean()))

    @classmethod
    def within(cls, buy: Array, sell: Array, import_limit_w: float, export_limit_w: float) -> Self:
        """Prices and two limits in W, both positive, that hold all the time."""
        limits = (Limit(import_limit_w, import_limit_w), Limit(export_limit_w, export_limit_w))
        return cls(buy, sell, tuple(fuse_terms(*limits, sell.size)))

    def eur(self, loads_w: Array, durations_s: Array | float) -> Array:
        """EUR in each step as a planner of one device is told it, shape (steps,)."""
        loads_w, stacked = np.atleast_2d(loads_w), self._stacked
        beyond_w = self._beyond_w(loads_w)
        cost = self._energy_eur_per_h(loads_w[0]) + (stacked.told_eur * beyond_w).sum(axis=0)
        result: Array = cost * (durations_s / J_PER_KWH)
        return result

    def seen_by(self, others_w: Array, shares: PhaseShares = EVEN) -> PowerCost:
        """The same cost by the power of one device, while everything else takes `others_w`, as `loads_w` above.

        `shares` of its power lie on the phases. A phase that carries none of it costs the same whatever the device
        does, so that it is left out.
        """
        view = self._view(shares)
        offset, hinges = hinges_beside(np.atleast_2d(others_w), self.sell, view.seen)
        return PowerCost(
            offset,
            view.slope,
            hinges,
            view.weights,
            view.paid_slope,
            view.paid_weights,
            self.leftover_eur_per_kwh,
            self.returned_eur_per_kwh,
        )

    def amounts(self, loads_w: Array, durations_s: Array) -> Array:
        """What each term counts, shape (terms,): EUR, or kWh for those without a price."""
        loads_w, stacked = np.atleast_2d(loads_w), self._stacked
        beyond_w = self._beyond_w(loads_w)
        amounts: Array = (stacked.weight * beyond_w) @ (durations_s / J_PER_KWH)
        for index, term in enumerate(self.terms):
            if term.eur_per_kw > 0:
                amounts[index] = term.eur_per_kw * float(beyond_w[index].max(initial=0.0)) / 1000.0
        return amounts

    def energy_eur(self, loads_w: Array, durations_s: Array) -> float:
        """What is paid for energy, less what is earned with it."""
        return float(self._energy_eur_per_h(np.atleast_2d(loads_w)[0]) @ (durations_s / J_PER_KWH))

    def energy_eur_by_step(self, net_w: Array, durations_s: Array) -> Array:
        """The same for each step of the connection's power, shape (steps,)."""
        return self._energy_eur_per_h(net_w) * (durations_s / J_PER_KWH)

    def by_objective(self, loads_w: Array, durations_s: Array) -> dict[Objective, float]:
        """EUR or, for those without a price, kWh; those that count nothing are left out."""
        result = {Objective.PRICE: self.energy_eur(loads_w, durations_s)}
        for term, amount in zip(self.terms, self.amounts(loads_w, durations_s), strict=True):
            if abs(amount) > 1e-9:
                result[term.objective] = result.get(term.objective, 0.0) + float(amount)
        return result

    def by_stage(self, loads_w: Array, durations_s: Array) -> dict[Stage, float]:
        """The sum of each stage in its own unit."""
        result = dict.fromkeys(STAGES, 0.0)
        result[Stage.MONEY] = self.energy_eur(loads_w, durations_s)
        for term, amount in zip(self.terms, self.amounts(loads_w, durations_s).tolist(), strict=True):
            result[term.stage] += amount
        return result

    def with_peak(self, peak_w: float) -> SiteCost:
        """As a planner is told it while the site has that peak anyway: up to there a peak costs nothing more."""
        if not any(term.eur_per_kw > 0 for term in self.terms):
            return self
        return replace(self, terms=tuple(_raised(term, peak_w) for term in self.terms))

    @property
    def peak_so_far_w(self) -> float | None:
        """Up to where a peak costs nothing more; None where peaks cost nothing at all."""
        return next((float(term.at_w[0]) for term in self.terms if term.eur_per_kw > 0), None)

    def without(self, objective: Objective) -> SiteCost:
        """The same site if it did not pursue one objective. Kept, since each of its resources asks for it."""
        found = self._lesser.get(objective)
        if found is None:
            terms = tuple(term for term in self.terms if term.objective is not objective)
            found = self._lesser[objective] = replace(self, terms=terms)
        return found

    @cached_property
    def _lesser(self) -> dict[Objective, SiteCost]:
        return {}

    def cheapest_eur_per_kwh(self, base_w: Array) -> float:
        """What a kWh more costs in the cheapest quarter of all steps, while the site takes `base_w`."""
        return _of_cheapest(self.marginal_eur_per_kwh(base_w))

    def marginal_eur_per_kwh(self, base_w: Array) -> Array:
        """What a kWh more costs in each step while the site takes `base_w`; money only."""
        marginal: Array = np.where(base_w >= 0.0, self.buy, self.sell)
        for term in filter(_is_paid, self.terms):
            past = base_w >= term.at_w if term.above else base_w < term.at_w
            marginal = marginal + np.where(past, term.weight if term.above else -term.weight, 0.0)
        return marginal

    def _energy_eur_per_h(self, net_w: Array) -> Array:
        result: Array = np.where(net_w > 0, self.buy, self.sell) * net_w
        return result

    def _beyond_w(self, loads_w: Array) -> Array:
        stacked = self._stacked
        beyond: Array = np.maximum(stacked.sign[:, None] * (loads_w[stacked.circuit] - stacked.at_w), 0.0)
        return beyond

    def _view(self, shares: PhaseShares) -> _View:
        """Kept, since the same devices are asked again and again at the same prices."""
        found = self._views.get(shares)
        if found is None:
            found = self._views[shares] = self._viewed(shares)
        return found

    @cached_property
    def _views(self) -> dict[PhaseShares, _View]:
        return {}

    def _viewed(self, shares: PhaseShares) -> _View:
        stacked = self._stacked
        share = np.array((1.0, *shares))[stacked.circuit]
        on = share > 0.0
        share, below = share[on], stacked.sign[on] < 0
        weight = stacked.told_eur[on] * share[:, None]
        paid = np.where(stacked.is_paid[on][:, None], weight, 0.0)
        return _View(
            Seen(
                circuits=1 + int(stacked.circuit[on].max(initial=0)),
                circuit=stacked.circuit[on],
                share=share,
                at_w=stacked.at_w[on] / share[:, None],
                below_eur_per_kwh=np.where(below[:, None], weight, 0.0),
            ),
            slope=self.sell - weight[below].sum(axis=0),
            weights=self._hinge_weights(weight),
            paid_slope=self.sell - paid[below].sum(axis=0),
            paid_weights=self._hinge_weights(paid),
        )

    def _hinge_weights(self, of_terms: Array) -> Array:
        """(steps, hinges): first of the hinge between selling and buying, then of each term."""
        return np.ascontiguousarray(np.concatenate(((self.buy - self.sell)[None, :], of_terms)).T)

    @cached_property
    def _stacked(self) -> _Stacked:
        steps, terms = self.buy.size, self.terms
        weight = np.array([term.weight for term in terms]).reshape(-1, steps)
        return _Stacked(
            at_w=np.array([term.at_w for term in terms]).reshape(-1, steps),
            weight=weight,
            told_eur=np.array([_told_eur(term, terms) for term in terms]).reshape(-1, steps),
            sign=np.array([1.0 if term.above else -1.0 for term in terms]),
            circuit=np.array([term.circuit for term in terms], dtype=np.intp),
            is_paid=np.array([_is_paid(term) for term in terms], dtype=np.bool_),
        )


def _is_paid(term: Term) -> bool:
    """Whether it costs money for each kWh; a peak is no price of a kWh."""
    return term.stage is Stage.MONEY and term.eur_per_kw == 0


def _of_cheapest(marginal: Array) -> float:
    return float(np.sort(marginal)[: max(1, int(CHEAPEST_SHARE * marginal.size))].mean())


def _told_eur(term: Term, terms: tuple[Term, ...]) -> Array:
    """The weight with its stage kept apart from the others."""
    told: Array = term.weight * EUR_PER_UNIT[term.stage]
    if term.stage is Stage.ACTIVATION:
        # Prices of activations count among themselves only: the highest of them is one unit of their stage.
        return told / max(float(other.weight.max()) for other in terms if other.stage is Stage.ACTIVATION)
    return np.minimum(told, MOST_MONEY_EUR_PER_KWH) if term.stage is Stage.MONEY else told


def _raised(term: Term, peak_w: float) -> Term:
    return replace(term, at_w=np.maximum(term.at_w, peak_w)) if term.eur_per_kw > 0 else term
