"""Says in one English sentence, with the figures, why a unit is told what it is told."""

from __future__ import annotations

from dataclasses import dataclass

from cem_service.domain.decision import Objective
from cem_service.planners.choices import Choice, Prices
from cem_service.planners.limits_now import Bound, LimitsNow

# A store that is worth so many times the price of energy is filled for its target, not for money.
TARGET_WORTH = 1.5
NEAR_ZERO_W = 100.0
NEGLIGIBLE_W = 1.0


LIMITS = (Objective.FUSE, Objective.EXPORT_LIMIT, Objective.GRID_LIMIT, Objective.STEERABLE_LIMIT)


@dataclass(frozen=True, slots=True)
class Outlook:
    """The site's net power in W: now, if all did what is cheapest, and with what they are really told."""

    before_w: float
    wanted_w: float
    after_w: float


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What was known when the decision fell. `worth_eur_per_kwh` is None for what does not store."""

    name: str
    before_w: float
    net: Outlook
    prices: Prices
    limits: LimitsNow
    worth_eur_per_kwh: float | None

    @property
    def bound(self) -> Bound:
        """The limit in whose way the site's wish is, if any."""
        return self.limits.drawing if self.net.wanted_w > 0 else self.limits.feeding_in


def objective_of(chosen: Choice, wanted: Choice, facts: Circumstances) -> Objective:
    if abs(chosen.power_w - wanted.power_w) > NEGLIGIBLE_W:
        return facts.bound.objective
    worth, prices = facts.worth_eur_per_kwh, facts.prices
    if worth is not None and chosen.power_w > 0 and worth > TARGET_WORTH * max(prices.buy, prices.sell, 0.0) > 0:
        return Objective.TARGET
    uses_surplus = facts.net.before_w < 0 and chosen.power_w > facts.before_w and facts.net.after_w <= NEAR_ZERO_W
    if abs(facts.net.after_w) <= NEAR_ZERO_W or uses_surplus:
        return Objective.SELF_CONSUMPTION
    return Objective.PRICE


def explain(objective: Objective, chosen: Choice, wanted: Choice, facts: Circumstances) -> str:
    moves = f"{facts.name} goes from {facts.before_w:z,.0f} W to {chosen.power_w:z,.0f} W"
    if objective is Objective.FUSE:
        return (
            f"{moves} instead of {wanted.power_w:z,.0f} W: else the site would draw {facts.net.wanted_w:z,.0f} W, and "
            f"{facts.bound.usable_w:z,.0f} W of the fuse's {facts.bound.limit_w:z,.0f} W may be planned for."
        )
    if objective is Objective.EXPORT_LIMIT:
        return (
            f"{moves} instead of {wanted.power_w:z,.0f} W: else the site would feed in {-facts.net.wanted_w:z,.0f} W, "
            f"and {facts.bound.usable_w:z,.0f} W of {facts.bound.limit_w:z,.0f} W allowed may be planned for."
        )
    if objective is Objective.GRID_LIMIT:
        return (
            f"{moves} instead of {wanted.power_w:z,.0f} W: {facts.bound.source} allows the site {_allowed(facts)} now."
        )
    if objective is Objective.STEERABLE_LIMIT:
        return (
            f"{moves} instead of {wanted.power_w:z,.0f} W: {facts.bound.source} allows all steerable devices together "
            f"{facts.bound.limit_w:z,.0f} W now."
        )
    if objective is Objective.TARGET:
        return f"{moves}: it has to reach its target level, and energy costs {facts.prices.buy:z.2f} EUR/kWh now."
    money = f"buying costs {facts.prices.buy:z.2f} and feeding in earns {facts.prices.sell:z.2f} EUR/kWh"
    if facts.worth_eur_per_kwh is not None:
        money += f", and a stored kWh is worth {facts.worth_eur_per_kwh:z.2f} EUR later"
    if objective is Objective.SELF_CONSUMPTION:
        return f"{moves} and brings the site from {facts.net.before_w:z,.0f} W to {facts.net.after_w:z,.0f} W: {money}."
    if objective is Objective.TAKE_CONTROL:
        return f"{facts.name} is at {chosen.power_w:z,.0f} W and stays so: {money}."
    return f"{moves}: {money}."


def _allowed(facts: Circumstances) -> str:
    way = "to draw" if facts.bound is facts.limits.drawing else "to feed in"
    return f"{way} {facts.bound.limit_w:z,.0f} W"
