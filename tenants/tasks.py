"""The base of every Celery task, and what Celery runs for tenants and their people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import celery
from celery import shared_task
from django.contrib.sessions.backends.db import SessionStore
from structlog.contextvars import bound_contextvars

if TYPE_CHECKING:
    # The class takes type parameters in its stubs only.
    Task = celery.Task[Any, Any]
else:
    Task = celery.Task


class TenantTask(Task):
    """Keyword arguments only, and log lines that name the tenant and the task.

        @shared_task(base=TenantTask, queue="cem")
        def react(*, tenant_id: str, site_id: str, **_: object) -> None: ...

    Names let old and new workers understand each other during an upgrade; `**_` lets an old worker ignore what a new
    sender adds. A body calls services, which open their own scopes. A task may run twice: it is acknowledged after it
    ran, so that a killed worker loses none.
    """

    abstract = True
    acks_late = True
    reject_on_worker_lost = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Raises TypeError for positional arguments."""
        if args:
            raise TypeError(f"{self.name} takes keyword arguments only")
        with bound_contextvars(task=self.name, task_id=self.request.id, tenant_id=kwargs.get("tenant_id")):
            return self.run(**kwargs)


@shared_task(base=TenantTask)
def forget_old_sign_ins(**_: object) -> None:
    """Delete the sessions of people that have expired; nothing else ever does."""
    SessionStore.clear_expired()
