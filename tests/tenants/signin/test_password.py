"""Signing in with a password, and what somebody finds out who does not know it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from tenants.models import Tenant, User
from tenants.scope import identity_scope
from tenants.services import create_member, create_membership
from tests.support.registry import audited, make_tenant
from tests.tenants.signin.conftest import PASSWORD, sign_in, who

_CHANGING = re.compile(r'name="(csrfmiddlewaretoken)" value="\w+"')


@pytest.mark.parametrize("login", ["ann", "ANN", "ann@alder.example", " ann@Alder.example "])
def test_a_person_signs_in_by_name_or_address(client: Client, alder: Tenant, ann: User, login: str) -> None:
    response = sign_in(client, login)

    assert (response.status_code, response["Location"]) == (302, "/admin/")
    assert who(client) == "ann"
    (entry,) = audited("tenants.user.signed_in")
    assert (entry["actor_name"], entry["tenant_id"], entry["after"]) == ("ann", alder.pk, None)


def test_is_led_to_where_they_wanted_to_go_on_this_host_only(client: Client, ann: User) -> None:
    form = {"login": "ann", "password": PASSWORD}

    assert (
        client.post("/accounts/login/", form | {"next": "/admin/devices/site/"})["Location"] == "/admin/devices/site/"
    )
    client.post("/accounts/logout/")
    assert client.post("/accounts/login/", form | {"next": "https://elsewhere.example/"})["Location"] == "/admin/"


def test_a_wrong_password_and_an_unknown_name_read_the_same(client: Client, ann: User) -> None:
    wrong, unknown = sign_in(client, "ann", "wrong"), sign_in(client, "bob", "wrong")

    assert wrong.status_code == unknown.status_code == 200
    assert _body(wrong, "ann") == _body(unknown, "bob")
    assert who(client) is None


def test_a_password_is_hashed_for_a_name_that_nobody_has(client: Client, ann: User, monkeypatch: Any) -> None:
    hashed: list[str] = []
    monkeypatch.setattr(
        "django.contrib.auth.hashers.MD5PasswordHasher.encode", lambda self, password, salt: hashed.append(password)
    )

    sign_in(client, "bob", "wrong")

    assert hashed == ["wrong"]


def test_who_is_switched_off_is_not_signed_in(client: Client, ann: User) -> None:
    with identity_scope("test"):
        User.objects.filter(pk=ann.pk).update(is_active=False)

    assert sign_in(client, "ann")["Location"] == "/accounts/inactive/"
    assert who(client) is None


def test_guessing_is_slowed_down_for_the_account_wherever_it_comes_from(client: Client, ann: User) -> None:
    for number in range(5):
        client.post("/accounts/login/", {"login": "ann", "password": "wrong"}, REMOTE_ADDR=f"192.0.2.{number}")

    refused = client.post("/accounts/login/", {"login": "ann", "password": PASSWORD}, REMOTE_ADDR="192.0.2.99")

    assert "Too many failed attempts" in refused.content.decode()
    assert who(client) is None


def test_guessing_is_slowed_down_for_names_that_nobody_has(client: Client, ann: User) -> None:
    for _ in range(5):
        sign_in(client, "bob", "wrong")

    assert "Too many failed attempts" in sign_in(client, "bob", "wrong").content.decode()


def test_guessing_is_slowed_down_for_the_address(client: Client, ann: User) -> None:
    for number in range(10):
        sign_in(client, f"name-{number}", "wrong")

    assert "Too many failed attempts" in sign_in(client, "ann").content.decode()


def test_failures_leave_one_row_and_not_what_was_typed(client: Client, alder: Tenant, ann: User) -> None:
    for login in ("ann", "ann@alder.example", "my password"):
        sign_in(client, login, "wrong")

    entries = audited("tenants.user.sign_in_failed")
    assert [(entry["object_name"], entry["tenant_id"], entry["actor_type"]) for entry in entries] == [
        ("ann", alder.pk, "system"),
        ("ann", None, "system"),
    ]


def test_nobody_signs_in_while_redis_is_away_and_who_is_in_stays(client: Client, ann: User, settings: Any) -> None:
    sign_in(client, "ann")
    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    response = sign_in(Client(), "ann")

    assert response.status_code == 503
    assert response["Retry-After"]
    assert who(client) == "ann"


def test_there_is_no_sign_up(client: Client, ann: User) -> None:
    for path in ("signup/", "3rdparty/signup/", "email/", "login/code/"):
        assert client.get(f"/accounts/{path}").status_code == 404


def test_a_changed_password_ends_the_other_sessions(client: Client, alder: Tenant, ann: User) -> None:
    elsewhere = Client()
    for each in (client, elsewhere):
        sign_in(each, "ann")
    form = {"oldpassword": PASSWORD, "password1": "another odd one", "password2": "another odd one"}

    client.post("/accounts/password/change/", form)

    assert (who(client), who(elsewhere)) == ("ann", None)
    assert audited("tenants.user.password_changed")[0]["actor_name"] == "ann"


def test_each_tenant_learns_of_a_new_password_and_none_from_where(client: Client, alder: Tenant, ann: User) -> None:
    birch = make_tenant("Birch")
    create_membership(user=ann, tenant=birch)
    sign_in(client, "ann")
    form = {"oldpassword": PASSWORD, "password1": "another odd one", "password2": "another odd one"}

    client.post("/accounts/password/change/", form)

    told = {entry["tenant_id"]: entry["ip"] for entry in audited("tenants.user.password_changed")}
    assert told == {alder.pk: None, birch.pk: None, None: "127.0.0.1"}


def test_the_session_cookie_is_for_this_host_and_a_day(client: Client, settings: Any, ann: User) -> None:
    cookie = sign_in(client, "ann").cookies[settings.SESSION_COOKIE_NAME]

    assert (cookie["httponly"], cookie["samesite"], cookie["max-age"]) == (True, "Lax", "")
    assert 0 < client.session.get_expiry_age() <= 12 * 3600


@pytest.mark.parametrize("kind", Tenant.Kind)
def test_people_of_every_kind_sign_in(client: Client, alder: Tenant, kind: Tenant.Kind) -> None:
    create_member(tenant=make_tenant("Birch", kind), username="bob", password=PASSWORD)

    assert sign_in(client, "bob")["Location"] == "/admin/"


def _body(response: Any, login: str) -> str:
    return _CHANGING.sub(r"\1", response.content.decode()).replace(f'value="{login}"', "")
