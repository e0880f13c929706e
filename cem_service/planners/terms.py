"""What a site's cost is made of: hinges, each of one objective, each in the stage that says what it rules out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from cem_service.domain.decision import Objective
from cem_service.domain.series import Array


class Stage(IntEnum):
    """What rules out what: a stage yields to all before it. Weights are compared inside a stage only."""

    FUSE = 1
    GRID = 2
    ACTIVATION = 3
    COMFORT = 4
    MONEY = 5
    TIDY = 6


# What a planner of one device is told a unit of each stage costs, in EUR. It adds everything up, so the stages have to
# lie so far apart that no amount of a later one outweighs what a device could do for an earlier one. A kWh of comfort
# that is missed all day costs some 2,500 EUR in all; two stages of limits are told apart by the losses of a battery
# that could serve either. See decision 0010.
EUR_PER_UNIT: Mapping[Stage, float] = {
    Stage.FUSE: 1e6,
    Stage.GRID: 1e5,
    Stage.ACTIVATION: 1e4,
    Stage.COMFORT: 1.0,
    Stage.MONEY: 1.0,
    Stage.TIDY: 1.0,
}
# No more is told of one objective that is money, so that all of them together stay below what comfort weighs. That is
# beyond any price of energy, so none of them is taken lightly: it is avoided wherever comfort allows.
MOST_MONEY_EUR_PER_KWH = 2.5


class Circuit(IntEnum):
    """Where a power is counted: at the connection, as the sum of all phases, or on one of them."""

    CONNECTION = 0
    L1 = 1
    L2 = 2
    L3 = 3


PHASE_CIRCUITS = (Circuit.L1, Circuit.L2, Circuit.L3)


AT_HINGE_W = 5.0  # Powers are planned to the watt; this near to a hinge is at it.


@dataclass(frozen=True, slots=True)
class Term:
    """`weight` for each kWh on the circuit above `at_w`, or below it where `above` is False; both (steps,).

    In EUR, but for the first two stages, which have no price: there a kWh counts as one. With `eur_per_kw` above 0 only
    the highest step counts, and costs that much for each kW beyond; `weight` is then what a planner is told.
    `allowed_w` is a limit as it was set, of which `at_w` keeps a margin; None where the two are the same.
    """

    objective: Objective
    stage: Stage
    at_w: Array
    weight: Array
    above: bool = True
    circuit: Circuit = Circuit.CONNECTION
    eur_per_kw: float = 0.0
    source: str = ""
    allowed_w: Array | None = None

    def beyond_w(self, loads_w: Array) -> Array:
        """How far the circuit is beyond the limit as it was set, shape (steps,)."""
        limit_w, load_w = self.at_w if self.allowed_w is None else self.allowed_w, loads_w[self.circuit]
        over_w: Array = np.where(self.weight != 0, load_w - limit_w if self.above else limit_w - load_w, 0.0)
        return np.maximum(over_w, 0.0)

    def binds(self, loads_w: Array) -> bool:
        """Whether the circuit is at the hinge or beyond it in any step in which that costs something."""
        load_w = loads_w[self.circuit]
        reached = load_w >= self.at_w - AT_HINGE_W if self.above else load_w <= self.at_w + AT_HINGE_W
        return bool((reached & (self.weight != 0)).any())
