"""Finds out why a unit is told what it is told: which objective it was, and the figures that moved it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cem_service.domain.decision import Objective
from cem_service.domain.reason import Figure, Reason, ReasonCode
from cem_service.planners.choices import Choice, Prices
from cem_service.planners.limits_now import Bound, LimitsNow
from cem_service.planners.phase_room import PhaseRoom
from cem_service.planners.terms import PHASE_CIRCUITS, Circuit

# A store that is worth so many times the price of energy is filled for its target, not for money.
TARGET_WORTH = 1.5
NEAR_ZERO_W = 100.0
NEGLIGIBLE_W = 1.0


LIMITS = (Objective.FUSE, Objective.EXPORT_LIMIT, Objective.GRID_LIMIT, Objective.STEERABLE_LIMIT)


@dataclass(frozen=True, slots=True)
class FullPhase:
    """A phase whose fuse is in the way of what all would do without limits; `load_w` is what it would carry then."""

    circuit: str
    load_w: float
    usable_w: float


@dataclass(frozen=True, slots=True)
class Outlook:
    """The site's net power in W: now, if all did what is cheapest, and with what they are really told."""

    before_w: float
    wanted_w: float
    after_w: float
    full: FullPhase | None = None


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

    @property
    def is_phase_full(self) -> bool:
        """Whether it is the fuse of a phase alone, and no limit of the whole connection."""
        return self.net.full is not None and self.prices.overrun_w(self.net.wanted_w) <= NEGLIGIBLE_W


def full_phase(phases: PhaseRoom | None, wanted_w: Sequence[float]) -> FullPhase | None:
    if phases is None or phases.overrun_w(wanted_w) <= NEGLIGIBLE_W:
        return None
    phase, load_w = phases.fullest(wanted_w)
    usable_w = phases.draws_w if load_w > 0 else phases.feeds_w
    return FullPhase(Circuit(PHASE_CIRCUITS[phase]).name, abs(load_w), usable_w)


def objective_of(chosen: Choice, wanted: Choice, facts: Circumstances) -> Objective:
    if abs(chosen.power_w - wanted.power_w) > NEGLIGIBLE_W:
        return Objective.FUSE if facts.is_phase_full else facts.bound.objective
    worth, prices = facts.worth_eur_per_kwh, facts.prices
    if worth is not None and chosen.power_w > 0 and worth > TARGET_WORTH * max(prices.buy, prices.sell, 0.0) > 0:
        return Objective.TARGET
    uses_surplus = facts.net.before_w < 0 and chosen.power_w > facts.before_w and facts.net.after_w <= NEAR_ZERO_W
    if abs(facts.net.after_w) <= NEAR_ZERO_W or uses_surplus:
        return Objective.SELF_CONSUMPTION
    return Objective.PRICE


def reason_of(objective: Objective, chosen: Choice, wanted: Choice, facts: Circumstances) -> Reason:
    figures: dict[str, Figure] = {"name": facts.name, "from_w": facts.before_w, "to_w": chosen.power_w}
    figures |= _limited(wanted, facts) if objective in LIMITS else _free(facts)
    return Reason(ReasonCode.DECIDED, objective, figures)


def _limited(wanted: Choice, facts: Circumstances) -> dict[str, Figure]:
    full = facts.net.full
    if full is not None and facts.is_phase_full:
        return {
            "wanted_w": wanted.power_w,
            "load_w": full.load_w,
            "usable_w": full.usable_w,
            "circuit": full.circuit,
        }
    bound = facts.bound
    return {
        "wanted_w": wanted.power_w,
        "site_w": abs(facts.net.wanted_w),
        "limit_w": bound.limit_w,
        "usable_w": bound.usable_w,
        "source": bound.source,
        "way": "drawing" if bound is facts.limits.drawing else "feeding_in",
    }


def _free(facts: Circumstances) -> dict[str, Figure]:
    figures: dict[str, Figure] = {
        "site_before_w": facts.net.before_w,
        "site_after_w": facts.net.after_w,
        "buy_eur_per_kwh": facts.prices.buy,
        "sell_eur_per_kwh": facts.prices.sell,
    }
    if facts.worth_eur_per_kwh is not None:
        figures["worth_eur_per_kwh"] = facts.worth_eur_per_kwh
    return figures
