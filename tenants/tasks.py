"""The base of every Celery task, and what Celery runs for tenants and their people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import celery
from celery import shared_task
from django.utils import timezone
from structlog.contextvars import bound_contextvars

from tenants import access_tokens, audit_retention
from tenants.key_rotation import finish_rotations
from tenants.origin import Origin, Via, bound, current, is_trace_id, new_trace_id
from tenants.privacy import erasure
from tenants.sessions import SessionStore

if TYPE_CHECKING:
    # The class takes type parameters in its stubs only.
    Task = celery.Task[Any, Any]
else:
    Task = celery.Task


_TRACE_HEADER = "trace_id"


class TenantTask(Task):
    """Keyword arguments only, and log lines that name the tenant, the task and the trace.

        @shared_task(base=TenantTask)
        def react(*, tenant_id: str, site_id: str, **_: object) -> None: ...

    Names let old and new workers understand each other during an upgrade; `**_` lets an old worker ignore what a new
    sender adds. `flexhub.celery` says into which queue it goes. A body calls services, which open their own scopes. A
    task may run twice: it is acknowledged after it ran, so that a killed worker loses none. It goes on under the trace
    id of whoever sent it.
    """

    abstract = True
    acks_late = True
    reject_on_worker_lost = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Raises TypeError for positional arguments."""
        if args:
            raise TypeError(f"{self.name} takes keyword arguments only")
        names = bound_contextvars(task=self.name, task_id=self.request.id, tenant_id=kwargs.get("tenant_id"))
        with bound(Origin(via=Via.TASK, trace_id=self._trace_id())), names:
            return self.run(**kwargs)

    def apply_async(self, *args: Any, **options: Any) -> Any:
        """As Celery's; the trace id of whoever sends it goes along."""
        if trace_id := current().trace_id:
            options["headers"] = {_TRACE_HEADER: trace_id, **(options.get("headers") or {})}
        return super().apply_async(*args, **options)

    def _trace_id(self) -> str:
        sent = (self.request.headers or {}).get(_TRACE_HEADER)
        return str(sent) if is_trace_id(sent) else new_trace_id()


@shared_task(base=TenantTask)
def forget_old_sign_ins(**_: object) -> None:
    """Delete the sessions of people that have expired; nothing else ever does."""
    SessionStore.clear_expired()


@shared_task(base=TenantTask)
def forget_expired_access_tokens(**_: object) -> None:
    access_tokens.forget_expired(timezone.now())


@shared_task(base=TenantTask)
def forget_old_audit_rows(**_: object) -> None:
    """Of tenants that do not keep their trail for ever."""
    audit_retention.apply()


@shared_task(base=TenantTask)
def finish_key_rotations(**_: object) -> None:
    """Seal again what retired data keys have sealed, and drop those that nobody needs any more."""
    finish_rotations(now=timezone.now())


@shared_task(base=TenantTask)
def go_on_with_erasures(**_: object) -> None:
    """Of households whose devices and people have been shut out."""
    erasure.go_on(timezone.now())
