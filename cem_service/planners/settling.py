"""Chooses for all units of a site at once: first what is cheapest, then what the limits take away from it.

Limits come before everything, but they are applied last, because only then is it known what each step back costs. They
are met by the steps with the least cost for each watt: a car that has hours left gives way before a buffer at the end
of its heat, and a battery lends its power before either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from cem_service.planners.choices import Choice, Prices, Unit
from cem_service.planners.phase_room import PhaseRoom
from cem_service.planners.worth import LOOKAHEAD

SWEEPS = 3
LOOKAHEAD_S = LOOKAHEAD.total_seconds()
NEGLIGIBLE_W = 1.0
# Of each unit: from one even factor to the next, down to what it can do at most.
STEPS_BACK = 8


@dataclass(frozen=True, slots=True)
class Around:
    """What the units share: the power of all else, prices and limits of the connection, and the fuses of its phases."""

    base_w: float
    prices: Prices
    phases: PhaseRoom | None = None

    def net_w(self, chosen: Sequence[Choice]) -> float:
        return self.base_w + sum(choice.power_w for choice in chosen)

    def overrun_w(self, chosen: Sequence[Choice]) -> float:
        over_w = self.prices.overrun_w(self.net_w(chosen))
        return over_w if self.phases is None else over_w + self.phases.overrun_w(powers_of(chosen))

    def overrun_with(self, choice: Choice, index: int, chosen: Sequence[Choice], others_w: float) -> float:
        """As `overrun_w`, with that choice of one unit and all others at what is chosen for them."""
        over_w = self.prices.overrun_w(others_w + choice.power_w)
        if self.phases is None:
            return over_w
        powers_w = powers_of(chosen)
        powers_w[index] = choice.power_w
        return over_w + self.phases.overrun_w(powers_w)

    def choices(self, unit: Unit, index: int, chosen: Sequence[Choice], others_w: float) -> list[Choice]:
        """All that the unit may be ordered, those included with which its phases are just full."""
        found = unit.choices(others_w)
        if self.phases is None:
            return found
        least_w, most_w = self.phases.left_to(index, powers_of(chosen))
        # A unit knows the limits of the connection; with so much beside it they are where its phases end.
        for others_too_w in (self.prices.import_limit_w - most_w, -self.prices.export_limit_w - least_w):
            if isfinite(others_too_w):
                found += unit.choices(others_too_w)
        return found


def powers_of(chosen: Sequence[Choice]) -> list[float]:
    return [choice.power_w for choice in chosen]


def settle(
    units: Sequence[Unit], around: Around, *, held: Sequence[Choice] | None = None
) -> tuple[list[Choice], list[Choice]]:
    """(what each unit is to do, what it would have done without limits), in the order of `units`.

    `held` is what each is about to do anyway, by what it was told just before. Then nobody moves but for a limit that
    is broken as things are and stays broken by that: to mend it once more would undo what is on its way.
    """
    chosen = [unit.stay for unit in units]
    if held is None:
        _descend(units, chosen, around, within_limits=False)
    elif around.overrun_w(chosen) > NEGLIGIBLE_W:
        chosen = list(held)
    wanted = list(chosen)
    if around.overrun_w(chosen) > NEGLIGIBLE_W:
        _step_back(units, chosen, around)
        if held is None:
            # A device that can only be switched off may have given up more than was needed; others may take it up.
            _descend(units, chosen, around, within_limits=True)
            chosen = _no_worse_than_now(units, chosen, around)
    return chosen, wanted


def _no_worse_than_now(units: Sequence[Unit], chosen: list[Choice], around: Around) -> list[Choice]:
    """Steps of one unit each may end where only two at once would come within the limits. Then it is the better way to
    begin at what all do now, as far as they may go on with that.
    """
    left_w = around.overrun_w(chosen)
    if left_w <= NEGLIGIBLE_W:
        return chosen
    calm = [unit.stay if _may_go_on(unit) else choice for unit, choice in zip(units, chosen, strict=True)]
    _step_back(units, calm, around)
    return calm if around.overrun_w(calm) < left_w - NEGLIGIBLE_W else chosen


def _may_go_on(unit: Unit) -> bool:
    """An empty store may not, whatever its mode says."""
    return any(abs(choice.power_w - unit.stay.power_w) <= NEGLIGIBLE_W for choice in unit.choices(0.0))


def _descend(units: Sequence[Unit], chosen: list[Choice], around: Around, *, within_limits: bool) -> None:
    """Let each unit in turn take its best choice against the others', until nobody moves."""
    order = sorted(range(len(units)), key=lambda index: units[index].turn)
    for _ in range(SWEEPS):
        moved = False
        for index in order:
            others_w = around.net_w(chosen) - chosen[index].power_w

            def rank(choice: Choice, index: int = index, others_w: float = others_w) -> tuple[float, float]:
                over_w = around.overrun_with(choice, index, chosen, others_w) if within_limits else 0.0
                return round(over_w / NEGLIGIBLE_W), choice.eur(others_w, around.prices, LOOKAHEAD_S)

            unit = units[index]
            offered = around.choices(unit, index, chosen, others_w) if within_limits else unit.choices(others_w)
            best = min(offered, key=rank)
            moved = moved or best.order != chosen[index].order
            chosen[index] = best
        if not moved:
            return


def _step_back(units: Sequence[Unit], chosen: list[Choice], around: Around) -> None:
    """Take the steps that bring the site within its limits at the least cost for each watt, one after the other."""
    for _ in range(STEPS_BACK * len(units)):
        net_w, over_w = around.net_w(chosen), around.overrun_w(chosen)
        if over_w <= NEGLIGIBLE_W:
            return
        best: tuple[float, int, Choice] | None = None
        for index, unit in enumerate(units):
            others_w = net_w - chosen[index].power_w
            before_eur = chosen[index].eur(others_w, around.prices, LOOKAHEAD_S)
            for choice in around.choices(unit, index, chosen, others_w):
                relief_w = over_w - around.overrun_with(choice, index, chosen, others_w)
                if relief_w <= NEGLIGIBLE_W:
                    continue
                regret = (choice.eur(others_w, around.prices, LOOKAHEAD_S) - before_eur) / relief_w
                if best is None or regret < best[0]:
                    best = regret, index, choice
        if best is None:
            return
        chosen[best[1]] = best[2]
