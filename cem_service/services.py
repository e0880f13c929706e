"""What the hosted CEM does with a site: translate in, call the pure part once, translate out.

A reaction and a plan are tasks of their own. A reaction is short and must never wait for a plan; it acts on the latest
plan there is, or without one. One lock a site for each of the two keeps a second worker from deciding the same twice.
"""

from __future__ import annotations

import time
from dataclasses import replace
from uuid import UUID, uuid5

import structlog

from cem_service import forecasts, ledger
from cem_service.domain.abnormal import as_abnormal
from cem_service.domain.leaving_out import going_on, left_out
from cem_service.domain.selection import choose_control_type
from cem_service.due import plan_is_due
from cem_service.issuing import issue, select_control_type
from cem_service.last_instructions import last_instructions
from cem_service.loading import LoadedSite, load_site, read_plan, with_history
from cem_service.mistakes import Mistakes
from cem_service.models import PlanRun
from cem_service.plan_runs import run_of_failure, run_of_plan, run_of_reaction, store_run
from cem_service.planners.building import plan_site as compute_plan
from cem_service.planners.reactive import react
from cem_service.runtime import Tools
from flexhub.bus.queue import send_once
from flexhub.bus.site_lock import SiteLock
from tenants.scope import tenant_scope

log = structlog.get_logger(__name__)

# A reaction takes tens of milliseconds and a plan less than a second; a lock that outlives its worker ends by itself.
REACTION_LOCK_S = 5.0
PLAN_LOCK_S = 10.0
RETRY_DELAY_S = 0.05
_of_reactions, _of_plans = Mistakes("reaction"), Mistakes("plan")
_PLAN_NAMESPACE = UUID("6f1d2c1e-7f0b-4a86-9d6c-2f8f5c0d9a55")


def react_to_site(tenant_id: UUID, site_id: UUID, *, tools: Tools) -> None:
    """Look at a site once. Raises BusUnavailable: the sweep wakes the site again when the bus is back."""
    # What woke us may be a refusal that still waits in the stream, and it must count before we decide. Not under the
    # lock: after an outage the stream is long, and the lock would end before we have decided.
    ledger.drain(tools.bus)
    with tools.bus.site_lock(site_id, REACTION_LOCK_S) as lock:
        if lock:
            _look_at(load_site(tenant_id, site_id, bus=tools.bus, now=tools.clock.now()), lock, tools)
        else:
            # The one at work may have read the snapshots before what woke us arrived, so this wake still counts.
            tools.wake(tenant_id, site_id, delay_s=RETRY_DELAY_S)


def plan_site(tenant_id: UUID, site_id: UUID, *, tools: Tools) -> PlanRun | None:
    """Plan a site if that is still due, and act on it; returns the stored run. Raises BusUnavailable."""
    until = time.perf_counter() + tools.plan_time_s
    with tools.bus.site_lock(_plan_key(site_id), PLAN_LOCK_S) as ours:
        if not ours:
            return None
        last_look = tools.bus.last_look(site_id)
        loaded = load_site(tenant_id, site_id, bus=tools.bus, now=tools.clock.now())
        if loaded is None or not plan_is_due(loaded):
            return None
        loaded = with_history(loaded)
        run = _plan(loaded, until)
        _react_to_plan(replace(loaded, plan=run), last_look, tools)
        _learn_if_due(loaded)
        return run


def _react_to_plan(loaded: LoadedSite, last_look: str | None, tools: Tools) -> None:
    """Here and now, unless a task that looks at the site is on its way already: one more would do nothing else.

    `last_look` is the latest at the site before it was read. Where there was none since, and no device has said
    anything that is worth one, the site is still as it was read.
    """
    tenant_id, site_id = loaded.tenant_id, loaded.state.site_id
    with tools.bus.site_lock(site_id, REACTION_LOCK_S) as lock:
        if not lock:
            tools.wake(tenant_id, site_id, delay_s=RETRY_DELAY_S)
        elif lock.was_awaited:
            return
        elif lock.last_look == last_look:
            _look_at(replace(loaded, state=replace(loaded.state, now=tools.clock.now())), lock, tools)
        else:
            _look_at(load_site(tenant_id, site_id, bus=tools.bus, now=tools.clock.now()), lock, tools)


def _look_at(loaded: LoadedSite | None, lock: SiteLock, tools: Tools) -> None:
    """Under its lock."""
    if loaded is not None and loaded.snapshots:
        _select_control_types(loaded, tools)
        _act(loaded, tools)
        if plan_is_due(loaded):
            tenant_id, site_id = loaded.tenant_id, loaded.state.site_id
            send_once(tools.bus, _plan_key(site_id), lambda: tools.send_plan(tenant_id, site_id))
    lock.looked = True


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
    last = last_instructions(loaded, tools)
    decisions, state, errors = going_on(loaded.state, lambda site: react(site, plan, last, new_id=tools.new_id))
    loaded = replace(loaded, state=state)
    if loaded.abnormal:
        decisions = as_abnormal(decisions)
    is_news = _of_reactions.tell(loaded.snapshots, errors)
    if decisions or is_news:
        reasons = [*(decision.reason for decision in decisions), *left_out(state)]
        issue(loaded, run_of_reaction(loaded, reasons, started), decisions, bus=tools.bus)


def _plan(loaded: LoadedSite, until: float) -> PlanRun:
    """`until` is when the search for a better plan ends, as `time.perf_counter` says it."""
    started = time.perf_counter()
    try:
        plan, state, errors = going_on(
            loaded.state, lambda site: compute_plan(site, more_time=lambda: time.perf_counter() < until)
        )
    except Exception as error:
        log.exception("cem.plan_failed", site_id=str(loaded.state.site_id))
        run = run_of_failure(loaded, started, error)
    else:
        _of_plans.tell(loaded.snapshots, errors)
        run = run_of_plan(replace(loaded, state=state), plan, started)
    with tenant_scope(loaded.tenant_id):
        store_run(run)
    return run


def _plan_key(site_id: UUID) -> UUID:
    """The name under which plans of a site are flagged and locked, beside its reactions."""
    return uuid5(_PLAN_NAMESPACE, str(site_id))
