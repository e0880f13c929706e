from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore as DjangosStore
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tenants.sessions import SessionStore, digest
from tests.support.registry import make_member, make_tenant

pytestmark = pytest.mark.django_db


def stored_keys() -> list[str]:
    return list(Session.objects.values_list("session_key", flat=True))


def saved(**values: str) -> SessionStore:
    session = SessionStore()
    session.update(values)
    session.save()
    return session


def test_the_key_is_in_the_cookie_alone(client: Client) -> None:
    client.force_login(make_member(make_tenant("Alder"), "ann"))

    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value

    assert client.get("/admin/").status_code == 200
    assert stored_keys() == [digest(cookie)]
    assert cookie not in str(list(Session.objects.values_list()))


def test_what_is_in_the_table_opens_nothing(client: Client) -> None:
    client.force_login(make_member(make_tenant("Alder"), "ann"))

    client.cookies[settings.SESSION_COOKIE_NAME] = stored_keys()[0]

    assert client.get("/admin/").status_code == 302


def test_its_contents_can_be_read_with_the_key_alone() -> None:
    first, second = saved(seed="geheim"), saved(seed="other")
    rows = {row.session_key: row for row in Session.objects.all()}
    contents = rows[digest(first.session_key or "")].session_data

    assert SessionStore(first.session_key).decode(contents) == {"seed": "geheim"}
    assert second.decode(contents) == DjangosStore().decode(contents) == {}
    with pytest.raises(ValueError, match="without a key"):
        SessionStore().encode({"seed": "geheim"})


def test_signing_out_ends_it(client: Client) -> None:
    client.force_login(make_member(make_tenant("Alder"), "ann"))
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value

    client.post(reverse("account_logout"))

    client.cookies[settings.SESSION_COOKIE_NAME] = cookie
    assert client.get("/admin/").status_code == 302
    assert stored_keys() == []


def test_sessions_of_before_end() -> None:
    before = DjangosStore()
    before["name"] = "ann"
    before.save()

    assert SessionStore(before.session_key).get("name") is None


def test_can_be_read_changed_renamed_and_deleted() -> None:
    key = saved(name="ann").session_key
    assert key is not None

    session = SessionStore(key)
    session["name"] = "bea"
    session.save()
    session.cycle_key()

    assert (SessionStore(key).get("name"), SessionStore(session.session_key).get("name")) == (None, "bea")
    assert session.exists(session.session_key or "")
    session.delete("somebody else's")
    assert len(stored_keys()) == 1
    session.flush()
    assert stored_keys() == []


@pytest.mark.django_db(transaction=True)
async def test_can_be_read_changed_renamed_and_deleted_from_async_code() -> None:
    session = SessionStore()
    await session.aset("name", "ann")
    await session.asave()
    key = session.session_key
    assert key is not None

    assert await SessionStore(key).aget("name") == "ann"
    await session.acycle_key()
    assert await session.aexists(session.session_key or "")
    assert not await session.aexists(key)
    assert await SessionStore(key).aget("name") is None
    await session.aflush()
    assert not [row async for row in Session.objects.all()]


def test_a_key_that_opens_nothing_is_not_taken_over() -> None:
    chosen_by_somebody = "a" * 32
    session = SessionStore(chosen_by_somebody)

    assert session.get("name") is None
    session["name"] = "ann"
    session.save()

    assert session.session_key != chosen_by_somebody


def test_one_that_has_expired_opens_nothing() -> None:
    session = saved(name="ann")
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))

    assert SessionStore(session.session_key).get("name") is None


@pytest.mark.parametrize("cookie", ["x" * 10_000, "nul\0nul\0nul", "half a pair \udc80"])
def test_any_text_of_a_cookie_will_do(cookie: str) -> None:
    assert SessionStore(cookie).get("name") is None
    assert len(digest(cookie)) == 40


def test_the_time_of_its_end_is_its_own() -> None:
    session = saved(name="ann")
    session.set_expiry(60)
    session.save()

    left = Session.objects.get().expire_date - timezone.now()

    assert timedelta(0) < left <= timedelta(seconds=60)
