from datetime import timedelta
from typing import Any

import celery
import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone
from structlog.contextvars import get_contextvars

from tenants.tasks import TenantTask, forget_old_sign_ins

app = celery.Celery("tests", set_as_current=False)


@app.task(base=TenantTask, name="tests.log_context")
def _log_context(*, tenant_id: str, **_: object) -> dict[str, Any]:
    return get_contextvars()


def test_names_the_tenant_and_the_task_in_the_log() -> None:
    context = _log_context.apply(kwargs={"tenant_id": "alder", "from_a_newer_sender": 1}).get()

    assert context["tenant_id"] == "alder"
    assert context["task"] == "tests.log_context"
    assert context["task_id"]
    assert get_contextvars() == {}


def test_refuses_positional_arguments() -> None:
    with pytest.raises(TypeError, match="keyword arguments only"):
        _log_context.apply(args=("alder",)).get()


def test_runs_again_when_its_worker_dies() -> None:
    assert _log_context.acks_late
    assert _log_context.reject_on_worker_lost


@pytest.mark.django_db
def test_forgets_sign_ins_that_have_expired() -> None:
    now = timezone.now()
    for name, hours in (("old", -1), ("new", 1)):
        Session.objects.create(session_key=name, session_data="", expire_date=now + timedelta(hours=hours))

    forget_old_sign_ins()

    assert [session.session_key for session in Session.objects.all()] == ["new"]
