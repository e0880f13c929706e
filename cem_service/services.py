"""What the hosted CEM does with a site: translate in, call the pure part once, translate out.

A reaction and a plan are tasks of their own. A reaction is short and must never wait for a plan; it acts on the latest
plan there is, or without one. One lock a site for each of the two keeps a second worker from deciding the same twice.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import takewhile
from typing import cast
from uuid import UUID, uuid5

import structlog

from cem_service import forecasts, ledger
from cem_service.domain.abnormal import as_abnormal
from cem_service.domain.decision import LastInstruction, Objective
from cem_service.domain.feed import FeedSeries
from cem_service.domain.reason import Reason
from cem_service.domain.selection import choose_control_type
from cem_service.issuing import issue, select_control_type
from cem_service.loading import LoadedSite, is_of, load_site, read_plan, with_history
from cem_service.models import PLANNED_PRICES, Instruction, LedgerStatus, PlanRun, PlanRunKind
from cem_service.planners.building import plan_site as compute_plan
from cem_service.planners.plan import STEP
from cem_service.planners.reactive import react
from cem_service.planners.words import notes
from cem_service.runtime import Tools
from flexhub.bus.queue import send_once
from flexhub.observability.failures import place_of
from flexhub.telemetry.quarters import quarter_start
from s2.errors import S2Error
from s2.messages import (
    DDBCSystemDescription,
    FRBCSystemDescription,
    Message,
    OMBCSystemDescription,
    PEBCPowerConstraints,
    PEBCPowerEnvelopeConsequenceType,
    parse_message,
)
from s2.messages import Instruction as S2Instruction
from s2.versions import WireProfile
from tenants.scope import tenant_scope
from tenants.statements import kept_statements

log = structlog.get_logger(__name__)

# A reaction takes tens of milliseconds and a plan less than a second; a lock that outlives its worker ends by itself.
REACTION_LOCK_S = 5.0
PLAN_LOCK_S = 10.0
RETRY_DELAY_S = 0.05
# Descriptions may come in a burst; one plan answers them all.
SHORTEST_TIME_BETWEEN_PLANS = timedelta(minutes=1)
# After a refusal the device is left alone for this long: it had a reason, and asking again is not an argument.
LEAVE_ALONE_AFTER_REFUSAL = timedelta(minutes=5)
# When it refuses several times on end, this doubles with each of them, up to so many times.
MOST_DOUBLINGS = 4
# Real time after which an instruction without any answer is taken as lost between the commit and the bus.
ANSWER_OVERDUE_S = 30.0
# A change of one of these makes the present plan one for another site.
_PLANNED_FROM = (
    "FRBC.SystemDescription",
    "FRBC.FillLevelTargetProfile",
    "PPBC.PowerProfileDefinition/",
    "PEBC.EnergyConstraint/",
    "OMBC.SystemDescription",
    "DDBC.SystemDescription",
    "DDBC.AverageDemandRateForecast",
)
MODE_DESCRIPTIONS = (FRBCSystemDescription, OMBCSystemDescription, DDBCSystemDescription)
_STAYS = "The one before it stays, where there is one."
_PLAN_NAMESPACE = UUID("6f1d2c1e-7f0b-4a86-9d6c-2f8f5c0d9a55")


def react_to_site(tenant_id: UUID, site_id: UUID, *, tools: Tools) -> None:
    """Look at a site once. Raises BusUnavailable: the sweep wakes the site again when the bus is back."""
    # What woke us may be a refusal that still waits in the stream, and it must count before we decide. Not under the
    # lock: after an outage the stream is long, and the lock would end before we have decided.
    ledger.drain(tools.bus)
    with tools.bus.site_lock(site_id, REACTION_LOCK_S, look=True) as ours:
        if not ours:
            # The one at work may have read the snapshots before what woke us arrived, so this wake still counts.
            tools.send_react(tenant_id, site_id, RETRY_DELAY_S)
            return
        tools.bus.begin_wake(site_id)
        loaded = load_site(tenant_id, site_id, bus=tools.bus, now=tools.clock.now())
        if loaded is None or not loaded.snapshots:
            return
        _select_control_types(loaded, tools)
        _act(loaded, tools)
        if _plan_is_due(loaded):
            send_once(tools.bus, _plan_key(site_id), lambda: tools.send_plan(tenant_id, site_id))


def plan_site(tenant_id: UUID, site_id: UUID, *, tools: Tools) -> PlanRun | None:
    """Plan a site if that is still due, and act on it; returns the stored run. Raises BusUnavailable."""
    until = time.perf_counter() + tools.plan_time_s
    key = _plan_key(site_id)
    # Before the lock: its holder may be dead, and then the next look at the site must be able to ask once more.
    tools.bus.begin_wake(key)
    with tools.bus.site_lock(key, PLAN_LOCK_S) as ours:
        if not ours:
            return None
        loaded = load_site(tenant_id, site_id, bus=tools.bus, now=tools.clock.now())
        if loaded is None or not _plan_is_due(loaded):
            return None
        loaded = with_history(loaded)
        run = _plan(loaded, until)
        _react_to_plan(tenant_id, site_id, tools)
        _learn_if_due(loaded)
        return run


def _react_to_plan(tenant_id: UUID, site_id: UUID, tools: Tools) -> None:
    """Here and now, unless a task that looks at the site is on its way already: one more would do nothing else."""
    if tools.bus.request_wake(site_id):
        react_to_site(tenant_id, site_id, tools=tools)


def _learn_if_due(loaded: LoadedSite) -> None:
    """Once a day, after a plan: it takes longer than one, and the next plan is the first to profit."""
    if forecasts.is_due(loaded.state):
        forecasts.learn_site(loaded.tenant_id, with_history(loaded, back=forecasts.LOOK_BACK).state)


def _select_control_types(loaded: LoadedSite, tools: Tools) -> None:
    """Answer every RM that has described itself and waits to be selected, for the first time or after a release."""
    for link_id, snapshot in loaded.snapshots.items():
        if snapshot.details is None or not (snapshot.control_type is None or snapshot.is_released):
            continue
        wanted = choose_control_type(snapshot.details)
        if wanted == snapshot.control_type:
            continue
        select_control_type(loaded, link_id, wanted, message_id=tools.new_id(), bus=tools.bus)


def _act(loaded: LoadedSite, tools: Tools) -> None:
    started = time.perf_counter()
    plan = read_plan(loaded.state.site_id, loaded.plan.plan) if loaded.plan is not None else None
    decisions = react(loaded.state, plan, _last_instructions(loaded, tools), new_id=tools.new_id)
    if loaded.abnormal:
        decisions = as_abnormal(decisions)
    if decisions:
        reasons = [decision.reason for decision in decisions]
        run = _run(loaded, PlanRunKind.REACTION, started, _in_words(reasons, loaded))
        run.reasons = [reason.as_dict() for reason in reasons]
        issue(loaded, run, decisions, bus=tools.bus)


def _plan(loaded: LoadedSite, until: float) -> PlanRun:
    """`until` is when the search for a better plan ends, as `time.perf_counter` says it."""
    started = time.perf_counter()
    try:
        plan = compute_plan(loaded.state, more_time=lambda: time.perf_counter() < until)
    except Exception as error:
        log.exception("cem.plan_failed", site_id=str(loaded.state.site_id))
        run = _failed_run(loaded, started, error)
    else:
        run = _run(loaded, PlanRunKind.PLAN, started, _in_words(plan.all_reasons, loaded))
        run.plan = plan.as_dict()
        run.reasons = [reason.as_dict() for reason in plan.all_reasons]
        buy, _ = loaded.state.prices(plan.start, len(plan.net_w), STEP)
        run.inputs[forecasts.USED] = forecasts.used_forecasts(loaded.state)
        run.inputs[PLANNED_PRICES] = [round(float(price), 5) for price in buy]
    with tenant_scope(loaded.tenant_id), kept_statements():
        run.save(force_insert=True)
    return run


def _failed_run(loaded: LoadedSite, started: float, error: Exception) -> PlanRun:
    """A mistake of ours that some description has brought to light must not cost a site the plan it has.

    Nor may it be made again each second: it is tried again when a plan is due again.
    """
    run = _run(loaded, PlanRunKind.PLAN, started, f"No plan could be made: {place_of(error)}. {_STAYS}")
    if loaded.plan is not None:
        run.plan = loaded.plan.plan
        run.inputs |= {key: loaded.plan.inputs.get(key) for key in (PLANNED_PRICES, forecasts.USED)}
    return run


def _run(loaded: LoadedSite, kind: PlanRunKind, started: float, summary: str) -> PlanRun:
    return PlanRun(
        tenant_id=loaded.tenant_id,
        site_id=loaded.state.site_id,
        kind=kind,
        at=loaded.state.now,
        duration_ms=(time.perf_counter() - started) * 1000,
        summary=summary,
        inputs=_inputs(loaded),
    )


def _plan_key(site_id: UUID) -> UUID:
    """The name under which plans of a site are flagged and locked, beside its reactions."""
    return uuid5(_PLAN_NAMESPACE, str(site_id))


def _in_words(reasons: Iterable[Reason], loaded: LoadedSite) -> str:
    return "\n".join(notes(reasons, loaded.state.timezone))


def _inputs(loaded: LoadedSite) -> dict[str, object]:
    """What the CEM saw, for people who ask why."""
    state = loaded.state
    buy, sell = state.prices(state.now, 1, STEP)
    return {
        "main_meter_w": state.main_meter_w,
        "main_meter_at": state.main_meter_at.isoformat() if state.main_meter_at else None,
        "fuse_limit_w": state.fuse_limit_w,
        "export_limit_w": state.export_limit_w,
        "fuse_per_phase_w": state.fuse_per_phase_w,
        "main_meter_phases_w": state.main_meter_phases_w,
        "abnormal": loaded.abnormal,
        "buy_eur_per_kwh": float(buy[0]),
        "sell_eur_per_kwh": float(sell[0]),
        "power_w": {resource.name: resource.power_w(state.now) for resource in state.resources},
        "not_ready": {resource.name: resource.not_ready for resource in state.resources if resource.not_ready},
        "feeds": [_feed(series, state.now) for series in state.feeds.followed()],
        "planned_from": _planned_from(loaded),
    }


def _feed(series: FeedSeries, now: datetime) -> dict[str, object]:
    age = series.age(now)
    return {
        "source": series.source,
        "kind": series.kind.value,
        "fetched_at": series.fetched_at.isoformat() if series.fetched_at else None,
        "age_s": None if age is None else round(age.total_seconds()),
        "usable": series.is_usable(now),
    }


def _planned_from(loaded: LoadedSite) -> list[str]:
    """What a plan stands on, by which a change of it is seen: ids of messages, and a digest of what is pursued."""
    messages = sorted(
        str(getattr(message, "message_id", ""))
        for snapshot in loaded.snapshots.values()
        for field, message in snapshot.messages.items()
        if field.startswith(_PLANNED_FROM) or _puts_energy_off(message)
    )
    return [*messages, _pursuits(loaded)]


def _puts_energy_off(message: Message) -> bool:
    """Limits on energy that comes back follow the plan; those on what is lost follow what is measured."""
    defer = PEBCPowerEnvelopeConsequenceType.DEFER
    return isinstance(message, PEBCPowerConstraints) and message.consequence_type is defer


def _pursuits(loaded: LoadedSite) -> str:
    """Without the peak so far, which grows while nothing else changes."""
    state = loaded.state
    pursued = replace(state.objectives, capacity_tariff=None)
    price = state.objectives.capacity_tariff and state.objectives.capacity_tariff.eur_per_kw
    text = repr((pursued, price, state.tariff, state.fuse_limit_w, state.export_limit_w, loaded.abnormal))
    return f"pursuits:{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _plan_is_due(loaded: LoadedSite) -> bool:
    latest = loaded.plan
    if not any(resource.controllable for resource in loaded.state.resources):
        return False
    if latest is None or latest.at < quarter_start(loaded.state.now):
        return True
    changed = latest.inputs.get("planned_from") != _planned_from(loaded)
    return changed and loaded.state.now - latest.at >= SHORTEST_TIME_BETWEEN_PLANS


def _last_instructions(loaded: LoadedSite, tools: Tools) -> Mapping[UUID, LastInstruction]:
    """The latest instruction of each present session that reached its device, or may still do so."""
    overdue = loaded.state.now - tools.clock.duration_of(ANSWER_OVERDUE_S)
    counting = (row for row in loaded.instructions if _still_counts(row, loaded, overdue))
    return {row.link_id: found for row in counting if (found := _remembered(row, loaded)) is not None}


def _still_counts(row: Instruction, loaded: LoadedSite, overdue: datetime) -> bool:
    snapshot = loaded.snapshots.get(row.link_id)
    if snapshot is None or not is_of(snapshot, row) or row.status == LedgerStatus.UNDELIVERED:
        return False
    descriptions = (message for message in snapshot.messages.values() if isinstance(message, MODE_DESCRIPTIONS))
    if any(description.valid_from > row.issued_at for description in descriptions):
        return False  # It named modes of a description that has been replaced; the device has no order now.
    unanswered = row.status == LedgerStatus.ISSUED and not row.reception
    return not unanswered or row.issued_at > overdue


def _remembered(row: Instruction, loaded: LoadedSite) -> LastInstruction | None:
    """None for a row that this release cannot read: the device is then told afresh."""
    message = _read(row)
    if message is None:
        return None
    rows = loaded.told.get(row.link_id)
    told = None if rows is None else tuple(one for each in rows if not _is_gone(each) and (one := _read(each)))
    return LastInstruction(
        message=message,
        issued_at=row.issued_at,
        expected_power_w=row.expected_power_w,
        power_before_w=row.power_before_w,
        until=row.ends_at,
        objective=Objective(row.objective),
        refused_until=_refused_until(rows or (row,)),
        told=told,
    )


def _is_gone(row: Instruction) -> bool:
    return row.is_refused or row.status in (LedgerStatus.REVOKED, LedgerStatus.UNDELIVERED)


def _refused_until(rows: Sequence[Instruction]) -> datetime | None:
    """Until when a device is left alone, by what it was told, oldest first: the longer, the oftener it said no.

    What we take back is followed by what replaces it, so a newest one that is revoked was revoked by the device.
    """
    newest = rows[-1]
    if not (newest.is_refused or newest.status == LedgerStatus.REVOKED):
        return None
    before = sum(1 for _ in takewhile(lambda row: row.is_refused, reversed(rows[:-1])))
    longer: int = 1 << min(before, MOST_DOUBLINGS)
    refused_at: datetime = newest.status_at
    return refused_at + longer * LEAVE_ALONE_AFTER_REFUSAL


def _read(row: Instruction) -> S2Instruction | None:
    try:
        message = parse_message(json.dumps(row.message), WireProfile.V1_0_0)
    except S2Error as error:
        log.warning("cem.instruction_unreadable", instruction_id=str(row.id), error=str(error))
        return None
    return cast(S2Instruction, message)  # What `issuing` stored was one.
