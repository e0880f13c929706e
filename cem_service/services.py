"""What the hosted CEM does with a site: translate in, call the pure part once, translate out.

A reaction and a plan are tasks of their own. A reaction is short and must never wait for a plan; it acts on the latest
plan there is, or without one. One lock a site for each of the two keeps a second worker from deciding the same twice.
"""

from __future__ import annotations

import time
from uuid import UUID, uuid5

import structlog

from cem_service import forecasts, ledger
from cem_service.domain.abnormal import as_abnormal
from cem_service.domain.selection import choose_control_type
from cem_service.due import plan_is_due
from cem_service.issuing import issue, select_control_type
from cem_service.last_instructions import last_instructions
from cem_service.loading import LoadedSite, load_site, read_plan, with_history
from cem_service.models import PlanRun
from cem_service.plan_runs import run_of_failure, run_of_plan, run_of_reaction
from cem_service.planners.building import plan_site as compute_plan
from cem_service.planners.reactive import react
from cem_service.runtime import Tools
from flexhub.bus.queue import send_once
from tenants.scope import tenant_scope
from tenants.statements import kept_statements

log = structlog.get_logger(__name__)

# A reaction takes tens of milliseconds and a plan less than a second; a lock that outlives its worker ends by itself.
REACTION_LOCK_S = 5.0
PLAN_LOCK_S = 10.0
RETRY_DELAY_S = 0.05
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
        if plan_is_due(loaded):
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
        if loaded is None or not plan_is_due(loaded):
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
    decisions = react(loaded.state, plan, last_instructions(loaded, tools), new_id=tools.new_id)
    if loaded.abnormal:
        decisions = as_abnormal(decisions)
    if decisions:
        run = run_of_reaction(loaded, [decision.reason for decision in decisions], started)
        issue(loaded, run, decisions, bus=tools.bus)


def _plan(loaded: LoadedSite, until: float) -> PlanRun:
    """`until` is when the search for a better plan ends, as `time.perf_counter` says it."""
    started = time.perf_counter()
    try:
        plan = compute_plan(loaded.state, more_time=lambda: time.perf_counter() < until)
    except Exception as error:
        log.exception("cem.plan_failed", site_id=str(loaded.state.site_id))
        run = run_of_failure(loaded, started, error)
    else:
        run = run_of_plan(loaded, plan, started)
    with tenant_scope(loaded.tenant_id), kept_statements():
        run.save(force_insert=True)
    return run


def _plan_key(site_id: UUID) -> UUID:
    """The name under which plans of a site are flagged and locked, beside its reactions."""
    return uuid5(_PLAN_NAMESPACE, str(site_id))
