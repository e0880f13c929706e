"""A new password by mail."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core.mail import EmailMessage
from django.test import Client
from kombu.exceptions import OperationalError

from tenants.models import User
from tenants.scope import identity_scope
from tenants.signin import mail
from tests.support.registry import audited, make_operator
from tests.tenants.signin.conftest import link_in, sign_in, who

RESET = "/accounts/password/reset/"
NEW = {"password1": "another odd one", "password2": "another odd one"}


def set_password(client: Client, link: str, form: dict[str, str] = NEW) -> Any:
    return client.post(client.get(link)["Location"], form)


@pytest.mark.usefixtures("worker")
def test_a_person_gets_a_link_and_sets_a_password(client: Client, ann: User, mailoutbox: list[EmailMessage]) -> None:
    signed_in = Client()
    sign_in(signed_in, "ann")

    client.post(RESET, {"email": "ann@alder.example"})
    set_password(client, link_in(mailoutbox[0]))

    assert (who(client), who(signed_in)) == (None, None)
    assert sign_in(client, "ann", NEW["password1"])["Location"] == "/admin/"
    assert audited("tenants.user.password_reset")[0]["object_name"] == "ann"


@pytest.mark.usefixtures("worker")
def test_who_has_a_former_address_gets_no_link(client: Client, ann: User, mailoutbox: list[EmailMessage]) -> None:
    with identity_scope("test"):
        EmailAddress.objects.create(user=ann, email=ann.email, verified=True, primary=True)
    operator = Client()
    operator.force_login(make_operator("olga"))
    page = f"/admin/tenants/user/{ann.pk}/change/"
    management = {f"memberships-{name}": "0" for name in ("TOTAL_FORMS", "INITIAL_FORMS")}
    form = {"username": "ann", "email": "ann@birch.example", "is_active": "on"}

    assert operator.post(page, form | management)["Location"] == "/admin/tenants/user/"
    for email in ("ann@alder.example", "ann@birch.example"):
        client.post(RESET, {"email": email})

    assert [mail.to for mail in mailoutbox] == [["ann@birch.example"]]


@pytest.mark.usefixtures("worker")
def test_a_link_is_good_for_once(client: Client, ann: User, mailoutbox: list[EmailMessage]) -> None:
    client.post(RESET, {"email": "ann@alder.example"})
    link = link_in(mailoutbox[0])
    set_password(client, link)

    assert "Bad Token" in Client().get(link).content.decode()


@pytest.mark.usefixtures("worker")
def test_a_link_leads_to_this_hub_whatever_host_was_named(
    client: Client, ann: User, mailoutbox: list[EmailMessage]
) -> None:
    client.post(RESET, {"email": "ann@alder.example"}, headers={"host": "localhost"})

    assert link_in(mailoutbox[0]).startswith(f"{RESET}key/")


@pytest.mark.usefixtures("worker")
def test_nobody_is_written_to_who_has_no_account_or_a_closed_one(
    client: Client, ann: User, mailoutbox: list[EmailMessage]
) -> None:
    with identity_scope("test"):
        User.objects.filter(pk=ann.pk).update(is_active=False)

    for email in ("eve@example.com", "ann@alder.example"):
        client.post(RESET, {"email": email})

    assert mailoutbox == []


def test_the_answer_does_not_tell_who_has_an_account(
    client: Client, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, str]] = []
    monkeypatch.setattr(mail, "ask_for", lambda task, **names: asked.append({"task": task} | names))

    answers = [client.post(RESET, {"email": email}) for email in ("ann@alder.example", "eve@example.com")]

    assert {(answer.status_code, answer["Location"]) for answer in answers} == {(302, f"{RESET}done/")}
    assert asked == [
        {"task": "send_password_reset", "email": "ann@alder.example"},
        {"task": "send_password_reset", "email": "eve@example.com"},
    ]


def test_asking_is_slowed_down(client: Client, ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(mail, "ask_for", lambda task, **names: asked.append(task))

    answers = [client.post(RESET, {"email": "ann@alder.example"}).status_code for _ in range(6)]

    assert answers == [302] * 5 + [429]
    assert len(asked) == 5


def test_says_so_when_the_queue_is_away(client: Client, ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(task: str, **names: str) -> None:
        raise OperationalError

    monkeypatch.setattr(mail, "ask_for", away)

    assert client.post(RESET, {"email": "ann@alder.example"}).status_code == 503
