"""Celery's doors into the CEM. Each body is one call; what it needs of the process comes from `runtime`.

Whatever brings the planners' kernels is imported where it runs: beat, gateways and other workers know these tasks too,
and would start more slowly and be larger with them.
"""

from __future__ import annotations

from uuid import UUID

from celery import shared_task, signals
from celery.apps.worker import Worker
from django.db import OperationalError

from cem_service import housekeeping, ledger, limits, runtime
from cem_service import what_if as asking
from flexhub.bus.errors import BusUnavailable
from flexhub.observability.outage import Outage
from tenants.tasks import TenantTask

# These are tried again within seconds, and a server that is away is no news each time.
_closing = Outage("the instruction ledger is not being closed")
_waking = Outage("sites whose plan is overdue are not being woken")
_limiting = Outage("sites whose limits begin or end are not being woken")

# The workers of these queues call the planners' kernels.
_CALCULATING = {"cem", "plan"}


@signals.celeryd_after_setup.connect
def compile_kernels(instance: Worker, **_: object) -> None:
    """Before the pool forks, so that its children share what was compiled, and before the worker reports ready."""
    if not _CALCULATING & set(instance.app.amqp.queues.consume_from):
        return
    from cem_service import services  # noqa: F401 - As above: the children share what is imported.
    from cem_service.planners.kernels.warm import warm_up

    warm_up()


@shared_task(base=TenantTask)
def react(*, tenant_id: str, site_id: str, **_: object) -> None:
    """Look at a site now: select control types, act on what was measured, ask for a plan where one is due."""
    from cem_service import services

    services.react_to_site(UUID(tenant_id), UUID(site_id), tools=runtime.tools())


@shared_task(base=TenantTask)
def plan(*, tenant_id: str, site_id: str, **_: object) -> None:
    """Plan the coming day of a site, then look at it once, so that the plan is acted upon."""
    from cem_service import services

    services.plan_site(UUID(tenant_id), UUID(site_id), tools=runtime.tools())


@shared_task(base=TenantTask)
def what_if(*, tenant_id: str, site_id: str, question: str, answer_id: str, **_: object) -> None:
    """Compute what somebody waits for, and store no plan."""
    asking.answer(UUID(tenant_id), UUID(site_id), question, answer_id, tools=runtime.tools())


@shared_task(base=TenantTask)
def drain_ledger(**_: object) -> None:
    """Close ledger rows with what devices answered."""
    with _closing.expected(BusUnavailable, OperationalError):
        ledger.drain(runtime.tools().bus)


@shared_task(base=TenantTask)
def wake_due_sites(**_: object) -> None:
    """Wake the sites whose plan is not of this quarter hour: after a lost task, this is what makes it again."""
    with _waking.expected(BusUnavailable, OperationalError):
        housekeeping.wake_due_sites(runtime.tools())


@shared_task(base=TenantTask)
def wake_changed_limits(**_: object) -> None:
    """Wake the sites where a limit of the grid, or an abnormal condition, has just begun or ended."""
    with _limiting.expected(BusUnavailable, OperationalError):
        limits.wake_changed(runtime.tools())


@shared_task(base=TenantTask)
def forget_old_plan_runs(**_: object) -> None:
    """And limits and scores of forecasts of long ago."""
    now = runtime.tools().clock.now()
    housekeeping.forget_old_plan_runs(now)
    housekeeping.forget_old_limits(now)
    housekeeping.forget_old_scores(now)
