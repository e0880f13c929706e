from datetime import timedelta
from typing import Any

import celery
import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone
from structlog.contextvars import get_contextvars

from tenants.key_rotation import GRACE, replace_data_key
from tenants.origin import Origin, Via, bound, current, is_trace_id
from tenants.tasks import TenantTask, finish_key_rotations, forget_old_sign_ins
from tests.support.registry import make_household
from tests.support.sealed import data_keys_of, keep_token, token_of

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


@app.task(base=TenantTask, name="tests.origin")
def _origin(**_: object) -> Origin:
    return current()


def test_goes_on_under_the_trace_id_of_its_sender(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: dict[str, Any] = {}
    monkeypatch.setattr(celery.Task, "apply_async", lambda _self, *_args, **options: sent.update(options))

    with bound(Origin(via=Via.ADMIN, ip="203.0.113.7")):
        _origin.apply_async(kwargs={}, headers={"other": 1})
        trace_id = current().trace_id

    assert sent["headers"] == {"trace_id": trace_id, "other": 1}
    assert _origin.apply(headers=sent["headers"]).get() == Origin(via=Via.TASK, ip=None, trace_id=trace_id)


@pytest.mark.parametrize("headers", [None, {"trace_id": "0" * 32}, {"trace_id": ["x"]}])
def test_has_a_trace_id_of_its_own_without_a_sender(headers: dict[str, Any] | None) -> None:
    assert is_trace_id(_origin.apply(headers=headers).get().trace_id)


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


@pytest.mark.django_db
def test_finishes_rotations_that_were_begun() -> None:
    alder = make_household("Alder")
    row = keep_token(alder)
    replace_data_key(alder.tenant.pk, now=timezone.now() - GRACE)

    finish_key_rotations()

    assert [key.retired_at for key in data_keys_of(alder.tenant.pk)] == [None]
    assert token_of(row) == "geheim"
