from __future__ import annotations

from typing import Any

import pytest
from celery.utils.time import get_exponential_backoff_interval

from flexhub.celery import app
from tenants.signin import tasks

IDS = {"tenant_id": "7e3f1a52-0c4b-4d0e-9a8e-0c8a8f1d2c3b", "invitation_id": "7e3f1a52-0c4b-4d0e-9a8e-0c8a8f1d2c3c"}
NOTICE = {"username": "ann", "what": "", "at": "2026-04-21T10:00:00+00:00", "advice": ""}


@pytest.mark.parametrize(
    ("task", "sends", "names"),
    [
        (tasks.send_invitation, "invitations.send", IDS),
        (tasks.send_password_reset, "mail.send_password_reset", {"email": "ann@alder.example"}),
        (tasks.send_notice, "mail.send_notice", {"email": "ann@alder.example"} | NOTICE),
    ],
)
def test_a_mail_server_may_be_away_for_a_quarter_of_an_hour(
    monkeypatch: pytest.MonkeyPatch, task: Any, sends: str, names: dict[str, str]
) -> None:
    pauses_s: list[int] = []

    def refused(*_: object, **__: object) -> None:
        raise ConnectionRefusedError

    def noted(*args: Any, **options: Any) -> int:
        pauses_s.append(get_exponential_backoff_interval(*args, **options))
        return pauses_s[-1]

    monkeypatch.setattr(f"tenants.signin.{sends}", refused)
    monkeypatch.setattr("celery.app.autoretry.get_exponential_backoff_interval", noted)

    # Here and now: Celery leaves the pauses out.
    result = task.apply(kwargs=names)

    assert isinstance(result.result, ConnectionRefusedError)
    # The last one is not waited for: there is no other try.
    assert sum(pauses_s[:-1]) >= 15 * 60
    assert max(pauses_s) < app.conf.broker_transport_options["visibility_timeout"]
