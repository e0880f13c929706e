"""Reacts to what is measured now: one step for each unit, on the real net power, against the value of stored energy.

It needs no plan: without one, stored energy is valued by rule and the site still uses its own power first, keeps its
limits and reaches its targets. It never plans ahead by itself, so it takes milliseconds.

The order of concerns is fixed: the limits of the connection, then the one-step problem. No instruction is sent when
nothing changes, save the first of a session: it makes the CEM's will explicit and shows a refusal early.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import numpy as np

from cem_service.domain.ddbc import DDBCResource
from cem_service.domain.decision import Decision, LastInstruction, Objective
from cem_service.domain.frbc import FRBCResource
from cem_service.domain.ombc import OMBCResource
from cem_service.domain.pebc import PEBCResource
from cem_service.domain.site import SiteState
from cem_service.instructions import (
    NewId,
    ddbc_instruction,
    frbc_instruction,
    ombc_instruction,
    pebc_instruction,
)
from cem_service.planners.balance import SETTLES_WITHIN, balance_site
from cem_service.planners.choices import Choice, EnvelopeOrder, ModeOrder, Prices, Unit
from cem_service.planners.envelope_unit import EnvelopeUnit, elements_at
from cem_service.planners.horizon import Horizon
from cem_service.planners.limits_now import LimitsNow, limits_now
from cem_service.planners.mode_unit import ModeUnit
from cem_service.planners.mode_values import ModeValues
from cem_service.planners.oracle import best_response
from cem_service.planners.plan import STEP, SitePlan
from cem_service.planners.reasons import LIMITS, Circumstances, Outlook, objective_of, reason_of
from cem_service.planners.schedule import schedule_profiles
from cem_service.planners.settling import settle
from cem_service.planners.site_cost import SiteCost
from cem_service.planners.store_unit import StoreUnit
from cem_service.planners.worth import LOOKAHEAD, value_table
from flexhub.telemetry.quarters import quarter_start
from s2.messages import FRBCInstruction, Instruction, PEBCInstruction

# A change smaller than both is not worth a message, nor the wear of the device that obeys it.
DEADBAND_W = 50.0
DEADBAND_SHARE = 0.02

# An instruction that does not show in the device's status is repeated after this long: never a fight.
REPEAT_AFTER = timedelta(minutes=2)

# An envelope ends by itself, so that a device is not held by a CEM that is gone; one that is still needed is renewed
# this long before.
ENVELOPE_LASTS = timedelta(hours=1)
RENEW_BEFORE = timedelta(minutes=10)

SomeUnit = StoreUnit | EnvelopeUnit | ModeUnit


def react(
    site: SiteState, plan: SitePlan | None, last: Mapping[UUID, LastInstruction], *, new_id: NewId
) -> list[Decision]:
    """What to send now; mostly nothing. `last` holds the latest instruction of the session to each resource.

    Resources that are not ready are left alone, and so are those that refused until their back-off ends or the fuse
    needs them; their power counts as it is.
    """
    balance = balance_site(site, last)
    limits = limits_now(site, _household_w(site, balance.base_w))
    prices = _prices(site, limits)
    units = _units(site, plan, last, prices, limits, balance.base_w)
    steered_w = sum(unit.stay.power_w for unit in units)
    in_place_w = sum(one.power_w(site.now) or 0.0 for one in site.resources if _steers(one.link_id, units))
    fixed_w = balance.net_w - in_place_w
    chosen, wanted = settle(units, fixed_w, prices, hold=balance.settling)
    outlook = Outlook(
        before_w=fixed_w + steered_w,
        wanted_w=fixed_w + sum(choice.power_w for choice in wanted),
        after_w=fixed_w + sum(choice.power_w for choice in chosen),
    )
    decisions = []
    for unit, choice, wish in zip(units, chosen, wanted, strict=True):
        if _worth_sending(unit, choice, last.get(unit.link_id), site):
            decisions.append(_decision(site, unit, choice, wish, outlook, prices, limits, last, new_id))
    return decisions + schedule_profiles(site, plan, balance.base_w, last, new_id)


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
) -> list[SomeUnit]:
    units: list[SomeUnit] = []
    for resource in site.resources:
        latest = last.get(resource.link_id)
        if not resource.ready or _is_left_alone(latest, site, limits):
            continue
        if isinstance(resource, FRBCResource):
            values = value_table(resource, site, plan)
            units += [StoreUnit(resource, one, values, prices, site.now) for one in resource.actuators]
        elif isinstance(resource, PEBCResource):
            device = plan.devices.get(resource.link_id) if plan else None
            planned = device.envelopes if device else ()
            units.append(EnvelopeUnit(resource, prices, site.now, latest, planned))
        elif isinstance(resource, OMBCResource | DDBCResource):
            units.append(ModeUnit(resource, _mode_values(resource, site, plan, base_w), prices, site.now, latest))
    return units


def _mode_values(
    resource: OMBCResource | DDBCResource, site: SiteState, plan: SitePlan | None, base_w: float
) -> ModeValues | None:
    """The plan's, while they reach far enough; else those of a plan on the spot, on the power drawn now."""
    device = plan.devices.get(resource.link_id) if plan else None
    values = device.mode_values if device else None
    if values is not None and site.now + LOOKAHEAD <= values.ends:
        return values
    horizon = Horizon.at(site.now)
    cost = SiteCost.of(site, horizon).seen_by(np.full(horizon.steps, base_w))
    device = best_response(resource, cost, horizon)
    return device.mode_values if device else None


def _is_left_alone(latest: LastInstruction | None, site: SiteState, limits: LimitsNow) -> bool:
    """After a refusal. But while a limit is exceeded a device is asked again as soon as its answer is settled."""
    if latest is None or not latest.refused_at(site.now):
        return False
    overloaded = site.main_meter_is_recent and (site.main_meter_w or 0.0) > limits.drawing.limit_w
    return not overloaded or site.now - latest.issued_at < SETTLES_WITHIN


def _steers(link_id: UUID, units: Sequence[Unit]) -> bool:
    return any(unit.link_id == link_id for unit in units)


def _worth_sending(unit: SomeUnit, choice: Choice, latest: LastInstruction | None, site: SiteState) -> bool:
    if choice.order is None:
        return False
    if isinstance(unit, StoreUnit) and isinstance(choice.order, ModeOrder):
        return _mode_worth_sending(unit, choice.order, choice, latest, site)
    if isinstance(unit, EnvelopeUnit) and isinstance(choice.order, EnvelopeOrder):
        return latest is None or _envelope_worth_sending(unit, choice.order, latest, site)
    if isinstance(unit, ModeUnit) and isinstance(choice.order, ModeOrder):
        return unit.worth_sending(choice.order, REPEAT_AFTER, SETTLES_WITHIN)
    return False


def _mode_worth_sending(
    unit: StoreUnit, order: ModeOrder, choice: Choice, latest: LastInstruction | None, site: SiteState
) -> bool:
    told = latest.message if latest else None
    if latest is None or not isinstance(told, FRBCInstruction):
        return True
    deadband_w = max(DEADBAND_W, DEADBAND_SHARE * unit.actuator.largest_power_w)
    if order.mode_id == unit.actuator.active_mode_id and abs(choice.power_w - unit.stay.power_w) <= deadband_w:
        return False
    age = site.now - latest.issued_at
    if told.actuator_id != order.actuator_id:
        # Only the latest instruction of a resource is remembered; this actuator may have had its own just before it.
        return age >= SETTLES_WITHIN
    repeats = (
        told.operation_mode == order.mode_id and abs(latest.expected_power_w - _power_at_once_w(choice)) <= deadband_w
    )
    return not repeats or age >= REPEAT_AFTER


def _envelope_worth_sending(unit: EnvelopeUnit, order: EnvelopeOrder, latest: LastInstruction, site: SiteState) -> bool:
    told = latest.message
    if not isinstance(told, PEBCInstruction) or told.power_constraints_id != unit.resource.constraints_id:
        return True
    if not order.curtails:
        # An envelope that has ended leaves the resource free already.
        return latest.until > site.now and not _matches(told, order, 1.0, site.now)
    lowest, highest = unit.resource.widest_w
    deadband_w = max(DEADBAND_W, DEADBAND_SHARE * min(max(-lowest, highest), 1e9))
    return latest.until - site.now <= RENEW_BEFORE or not _matches(told, order, deadband_w, site.now)


def _matches(told: PEBCInstruction, order: EnvelopeOrder, deadband_w: float, now: datetime) -> bool:
    before = elements_at(told, now)
    return all(
        one.quantity in before
        and abs(before[one.quantity].lower_limit - one.lower_limit_w) <= deadband_w
        and abs(before[one.quantity].upper_limit - one.upper_limit_w) <= deadband_w
        for one in order.envelopes
    )


def _power_at_once_w(choice: Choice) -> float:
    return choice.power_w if choice.hop_power_w is None else choice.hop_power_w


def _decision(
    site: SiteState,
    unit: SomeUnit,
    choice: Choice,
    wish: Choice,
    outlook: Outlook,
    prices: Prices,
    limits: LimitsNow,
    last: Mapping[UUID, LastInstruction],
    new_id: NewId,
) -> Decision:
    facts = Circumstances(
        name=unit.name,
        before_w=unit.stay.power_w,
        net=outlook,
        prices=prices,
        limits=limits,
        worth_eur_per_kwh=unit.worth_eur_per_kwh() if isinstance(unit, StoreUnit) else None,
    )
    objective = objective_of(choice, wish, facts)
    stays = abs(choice.power_w - unit.stay.power_w) <= DEADBAND_W
    if unit.link_id not in last and stays and objective not in LIMITS:
        objective = Objective.TAKE_CONTROL
    until = quarter_start(site.now) + STEP
    if isinstance(unit, EnvelopeUnit):
        until = _envelope_end(unit, site)
    return Decision(
        link_id=unit.link_id,
        message=_instruction(site, unit, choice, until - site.now, new_id),
        reason=reason_of(objective, choice, wish, facts),
        objective=objective,
        expected_power_w=_power_at_once_w(choice),
        power_before_w=unit.resource.power_w(site.now) or 0.0,
        until=until,
    )


def _envelope_end(unit: EnvelopeUnit, site: SiteState) -> datetime:
    end = quarter_start(site.now) + ENVELOPE_LASTS
    return end if unit.resource.valid_until is None else min(end, unit.resource.valid_until)


def _instruction(site: SiteState, unit: SomeUnit, choice: Choice, lasts: timedelta, new_id: NewId) -> Instruction:
    if isinstance(choice.order, ModeOrder):
        return _mode_instruction(site, unit, choice.order, new_id)
    if isinstance(choice.order, EnvelopeOrder) and isinstance(unit, EnvelopeUnit):
        return pebc_instruction(
            constraints_id=unit.resource.constraints_id,
            elements=unit.elements(choice.order, site.now + lasts),
            execution_time=site.now,
            new_id=new_id,
        )
    raise AssertionError("a unit was given an order that is not its own")


def _mode_instruction(site: SiteState, unit: SomeUnit, order: ModeOrder, new_id: NewId) -> Instruction:
    execution_time = unit.execution_time if isinstance(unit, ModeUnit) else site.now
    if isinstance(unit.resource, OMBCResource):
        return ombc_instruction(
            mode_id=order.mode_id, factor=order.factor, execution_time=execution_time, new_id=new_id
        )
    build = ddbc_instruction if isinstance(unit.resource, DDBCResource) else frbc_instruction
    return build(
        actuator_id=order.actuator_id,
        mode_id=order.mode_id,
        factor=order.factor,
        execution_time=execution_time,
        new_id=new_id,
    )
