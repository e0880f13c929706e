"""Chooses for all units of a site at once: first what is cheapest, then what the limits take away from it.

Limits come before everything, but they are applied last, because only then is it known what each step back costs. They
are met by the steps with the least cost for each watt: a car that has hours left gives way before a buffer at the end
of its heat, and a battery lends its power before either.
"""

from __future__ import annotations

from collections.abc import Sequence

from cem_service.planners.choices import Choice, Prices, Unit
from cem_service.planners.worth import LOOKAHEAD

SWEEPS = 3
LOOKAHEAD_S = LOOKAHEAD.total_seconds()
NEGLIGIBLE_W = 1.0


def settle(units: Sequence[Unit], base_w: float, prices: Prices, *, hold: bool) -> tuple[list[Choice], list[Choice]]:
    """(what each unit is to do, what it would have done without limits), in the order of `units`.

    With `hold` nobody moves but for a limit.
    """
    chosen = [unit.stay for unit in units]
    if not hold:
        _descend(units, chosen, base_w, prices, within_limits=False)
    wanted = list(chosen)
    if _overrun_w(chosen, base_w, prices) > NEGLIGIBLE_W:
        _step_back(units, chosen, base_w, prices)
        if not hold:
            # A device that can only be switched off may have given up more than was needed; others may take it up.
            _descend(units, chosen, base_w, prices, within_limits=True)
    return chosen, wanted


def _net_w(chosen: Sequence[Choice], base_w: float) -> float:
    return base_w + sum(choice.power_w for choice in chosen)


def _overrun_w(chosen: Sequence[Choice], base_w: float, prices: Prices) -> float:
    return prices.overrun_w(_net_w(chosen, base_w))


def _descend(
    units: Sequence[Unit], chosen: list[Choice], base_w: float, prices: Prices, *, within_limits: bool
) -> None:
    """Let each unit in turn take its best choice against the others', until nobody moves."""
    order = sorted(range(len(units)), key=lambda index: units[index].turn)
    for _ in range(SWEEPS):
        moved = False
        for index in order:
            others_w = _net_w(chosen, base_w) - chosen[index].power_w

            def rank(choice: Choice, others_w: float = others_w) -> tuple[float, float]:
                over_w = prices.overrun_w(others_w + choice.power_w) if within_limits else 0.0
                return round(over_w / NEGLIGIBLE_W), choice.eur(others_w, prices, LOOKAHEAD_S)

            best = min(units[index].choices(others_w), key=rank)
            moved = moved or best.order != chosen[index].order
            chosen[index] = best
        if not moved:
            return


def _step_back(units: Sequence[Unit], chosen: list[Choice], base_w: float, prices: Prices) -> None:
    """Take the steps that bring the site within its limits at the least cost for each watt, one after the other."""
    for _ in range(2 * len(units)):
        net_w = _net_w(chosen, base_w)
        over_w = prices.overrun_w(net_w)
        if over_w <= NEGLIGIBLE_W:
            return
        best: tuple[float, int, Choice] | None = None
        for index, unit in enumerate(units):
            others_w = net_w - chosen[index].power_w
            before_eur = chosen[index].eur(others_w, prices, LOOKAHEAD_S)
            for choice in unit.choices(others_w):
                relief_w = over_w - prices.overrun_w(others_w + choice.power_w)
                if relief_w <= NEGLIGIBLE_W:
                    continue
                regret = (choice.eur(others_w, prices, LOOKAHEAD_S) - before_eur) / relief_w
                if best is None or regret < best[0]:
                    best = regret, index, choice
        if best is None:
            return
        chosen[best[1]] = best[2]
