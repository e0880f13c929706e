"""Reacts to what is measured now: one step for each unit, on the real net power, against the value of stored energy.

It needs no plan: without one, stored energy is valued by rule and the site still uses its own power first, keeps its
limits and reaches its targets. It never plans ahead by itself, so it takes milliseconds.

The order of concerns is fixed: the limits of the connection, then the one-step problem. No instruction is sent when
nothing changes, save the first of a session: it makes the CEM's will explicit and shows a refusal early.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from cem_service.domain.decision import Decision, LastInstruction, Objective
from cem_service.domain.site import SiteState
from cem_service.instructions import NewId
from cem_service.planners.balance import SETTLES_WITHIN, Balance, balance_site, with_powers
from cem_service.planners.calm import DEADBAND_W
from cem_service.planners.choices import Choice, Prices, SteeredUnit
from cem_service.planners.limits_now import LimitsNow, limits_now
from cem_service.planners.margins import usable_of_fuse_w, usable_w
from cem_service.planners.phase_room import PhaseRoom
from cem_service.planners.plan import STEP, SitePlan
from cem_service.planners.reasons import LIMITS, Circumstances, Outlook, full_phase, objective_of, reason_of
from cem_service.planners.schedule import schedule_profiles
from cem_service.planners.settling import Around, powers_of, settle
from cem_service.planners.units import Surroundings, units_of


def react(
    site: SiteState, plan: SitePlan | None, last: Mapping[UUID, LastInstruction], *, new_id: NewId
) -> list[Decision]:
    """What to send now; mostly nothing. `last` holds the latest instruction of the session to each resource.

    Resources that are not ready are left alone, and so are those that refused until their back-off ends or a limit
    needs them; their power counts as it is.
    """
    balance = balance_site(site, last)
    limits = limits_now(site, _household_w(site, balance.base_w))
    prices = _prices(site, limits)
    units = _units(site, plan, last, prices, limits, balance.base_w)
    steered_w = sum(unit.stay.power_w for unit in units)
    steered = {unit.resource.link_id: unit.resource for unit in units}
    in_place_w = sum(one.power_w(site.now) or 0.0 for one in steered.values())
    fixed_w = balance.net_w - in_place_w
    phases = _phase_room(site, balance, units)
    held = _held(units, balance.unsure) if balance.unsure else None
    chosen, wanted = settle(units, Around(fixed_w, prices, phases), held=held)
    outlook = Outlook(
        before_w=fixed_w + steered_w,
        wanted_w=fixed_w + sum(choice.power_w for choice in wanted),
        after_w=fixed_w + sum(choice.power_w for choice in chosen),
        full=full_phase(phases, powers_of(wanted)),
    )
    decisions = []
    for unit, choice, wish in zip(units, chosen, wanted, strict=True):
        if unit.worth_sending(choice):
            decisions.append(_decision(site, unit, choice, wish, outlook, prices, limits, last, new_id))
    return decisions + schedule_profiles(site, plan, balance.base_w, last, new_id)


def _held(units: Sequence[SteeredUnit], unsure: Collection[UUID]) -> list[Choice]:
    """What each unit is about to do: what it was told, where that may not show yet, else what it does now."""
    return [
        unit.stay if unit.resource.link_id not in unsure or unit.told_w is None else Choice(unit.told_w, 0.0, None)
        for unit in units
    ]


def _phase_room(site: SiteState, balance: Balance, units: Sequence[SteeredUnit]) -> PhaseRoom | None:
    """None where the phases have no fuses of their own. What is steered but no unit counts as it is now."""
    if site.fuse_per_phase_w is None or balance.phases_w is None:
        return None
    moved = {unit.resource.link_id for unit in units}
    powers_w = {one.link_id: one.power_w(site.now) or 0.0 for one in site.resources}
    in_place = [one for one in site.resources if one.controllable and one.link_id not in moved]
    return PhaseRoom(
        base_w=with_powers(balance.phases_w, in_place, powers_w),
        shares=[unit.resource.phase_shares for unit in units],
        draws_w=usable_of_fuse_w(site.fuse_per_phase_w),
        feeds_w=usable_w(site.fuse_per_phase_w),
    )


def _household_w(site: SiteState, base_w: float) -> float:
    """What draws without being steered. What produces so lies in the base load too, and does not draw."""
    unsteered = (one.power_w(site.now) or 0.0 for one in site.resources if not one.controllable)
    return base_w - sum(min(power_w, 0.0) for power_w in unsteered)


def _prices(site: SiteState, limits: LimitsNow) -> Prices:
    buy, sell = site.prices(site.now, 1, STEP)
    return Prices(float(buy[0]), float(sell[0]), limits.drawing.usable_w, limits.feeding_in.usable_w)


def _units(
    site: SiteState,
    plan: SitePlan | None,
    last: Mapping[UUID, LastInstruction],
    prices: Prices,
    limits: LimitsNow,
    base_w: float,
) -> list[SteeredUnit]:
    around = Surroundings(site, plan, prices, base_w)
    over = _is_over_a_limit(site, limits)
    units: list[SteeredUnit] = []
    for resource in site.resources:
        latest = last.get(resource.link_id)
        if resource.ready and not _is_left_alone(latest, site.now, is_over_a_limit=over):
            units += units_of(resource, around, latest)
    return units


def _is_left_alone(latest: LastInstruction | None, now: datetime, *, is_over_a_limit: bool) -> bool:
    """After a refusal. But while a limit is exceeded a device is asked again as soon as its answer is settled."""
    if latest is None or not latest.refused_at(now):
        return False
    return not is_over_a_limit or now - latest.issued_at < SETTLES_WITHIN


def _is_over_a_limit(site: SiteState, limits: LimitsNow) -> bool:
    """Whether the main meter reads more than may be drawn or fed in, or than the fuse of a phase is made for."""
    if site.main_meter_w is None or not site.main_meter_is_recent:
        return False
    phase_w = max(map(abs, site.main_meter_phases_w or (0.0,)))
    over_phase = site.fuse_per_phase_w is not None and phase_w > site.fuse_per_phase_w
    return (
        over_phase or limits.drawing.is_exceeded(site.main_meter_w) or limits.feeding_in.is_exceeded(-site.main_meter_w)
    )


def _decision(
    site: SiteState,
    unit: SteeredUnit,
    choice: Choice,
    wish: Choice,
    outlook: Outlook,
    prices: Prices,
    limits: LimitsNow,
    last: Mapping[UUID, LastInstruction],
    new_id: NewId,
) -> Decision:
    facts = Circumstances(
        name=unit.resource.name,
        before_w=unit.stay.power_w,
        net=outlook,
        prices=prices,
        limits=limits,
        worth_eur_per_kwh=unit.worth_eur_per_kwh,
    )
    objective = objective_of(choice, wish, facts)
    stays = abs(choice.power_w - unit.stay.power_w) <= DEADBAND_W
    if unit.resource.link_id not in last and stays and objective not in LIMITS:
        objective = Objective.TAKE_CONTROL
    return Decision(
        link_id=unit.resource.link_id,
        message=unit.instruction(choice, new_id),
        reason=reason_of(objective, choice, wish, facts),
        objective=objective,
        expected_power_w=choice.power_at_once_w,
        power_before_w=unit.resource.power_w(site.now) or 0.0,
        until=unit.until,
    )
