"""What was set aside, on a page for the platform's own staff."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from flexhub.portal.set_aside import discard, is_entry_id
from tenants.models import Tenant
from tenants.scope import platform_scope
from tests.flexhub.portal.conftest import Seats
from tests.support.registry import Household, audited, make_member, make_operator, make_tenant

pytestmark = pytest.mark.django_db

PAGE = "/admin/poison/"
HOSTILE = "<script>alert(1)</script>"


def put_three(seats: Seats) -> list[str]:
    """The ids, the newest first."""
    for number in range(3):
        seats.bus.set_aside("ledger", f"reason {number} {HOSTILE}", f"text {number} {HOSTILE}")
    return [entry.id for entry in seats.bus.poison().entries]


def left(seats: Seats) -> list[str]:
    return [entry.id for entry in seats.bus.poison().entries]


def test_an_operator_sees_what_is_there_and_how_much_ever_was(client: Client, seats: Seats) -> None:
    put_three(seats)
    client.force_login(make_operator())

    text = client.get(PAGE).content.decode()

    assert reverse("admin:poison") == PAGE
    for value in ("ledger", "reason 2 &lt;script&gt;", "text 0 &lt;script&gt;", "3 set aside", ">3</strong> since"):
        assert value in text
    assert HOSTILE not in text


def test_nothing_there_is_said(client: Client, seats: Seats) -> None:
    client.force_login(make_operator())

    assert "Nothing is set aside." in client.get(PAGE).content.decode()


@pytest.mark.parametrize("kind", [kind for kind in Tenant.Kind if kind != Tenant.Kind.OPERATOR])
def test_nobody_else_sees_or_discards(client: Client, seats: Seats, kind: Tenant.Kind) -> None:
    entry_ids = put_three(seats)
    client.force_login(make_member(make_tenant("Birch", kind)))

    assert client.get(PAGE).status_code == 403
    assert client.post(PAGE, {"entry": entry_ids[0]}).status_code == 403
    assert left(seats) == entry_ids


def test_one_is_discarded_and_the_trail_says_who_did_it(client: Client, seats: Seats) -> None:
    newest, middle, oldest = put_three(seats)
    operator = make_operator()
    client.force_login(operator)

    text = client.post(PAGE, {"shown": [newest, middle, oldest], "entry": middle}, follow=True).content.decode()

    assert "1 discarded." in text
    assert left(seats) == [newest, oldest]
    (row,) = audited("portal.poison.discarded")
    assert (row["actor_name"], row["tenant_id"], row["object_id"]) == (str(operator), None, middle)
    assert [entry["id"] for entry in row["before"]["entries"]] == [middle]
    # The trail is read by more people than this page.
    assert "text" not in str(row["before"])
    assert "reason" not in str(row["before"])


def test_a_whole_page_is_discarded_but_not_what_came_meanwhile(client: Client, seats: Seats) -> None:
    shown = put_three(seats)
    seats.bus.set_aside("inbox", "meanwhile", "")
    client.force_login(make_operator())

    client.post(PAGE, {"shown": shown, "all": "1"})

    assert [entry.reason for entry in seats.bus.poison().entries] == ["meanwhile"]


def test_what_is_gone_already_leaves_no_trace(client: Client, seats: Seats) -> None:
    client.force_login(make_operator())

    text = client.post(PAGE, {"entry": "1-0"}, follow=True).content.decode()

    assert "They were gone already." in text
    assert audited("portal.poison.discarded") == []


@pytest.mark.parametrize("entry_id", ["", "*", "1", "1-2-3", "1-0 2-0"])
def test_anything_but_an_id_is_refused(client: Client, seats: Seats, entry_id: str) -> None:
    client.force_login(make_operator())

    assert not is_entry_id(entry_id)
    assert client.post(PAGE, {"entry": entry_id}).status_code == 400


def test_a_form_from_elsewhere_is_refused(seats: Seats) -> None:
    entry_ids, client = put_three(seats), Client(enforce_csrf_checks=True)
    client.force_login(make_operator())

    assert client.post(PAGE, {"entry": entry_ids[0]}).status_code == 403
    assert left(seats) == entry_ids


@pytest.mark.usefixtures("redis_down")
def test_without_redis_the_page_says_so_and_discards_nothing(client: Client, alder: Household) -> None:
    client.force_login(make_operator())

    assert "Redis cannot be reached" in client.get(PAGE).content.decode()
    assert "Nothing was discarded." in client.post(PAGE, {"entry": "1-0"}, follow=True).content.decode()
    assert audited("portal.poison.discarded") == []


def test_discarding_takes_the_row_of_the_trail_back_when_redis_fails(
    seats: Seats, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry_ids = put_three(seats)

    def fail(_: object) -> int:
        raise OSError("no Redis")

    monkeypatch.setattr(seats.bus, "discard_poison", fail)

    operator = make_operator()
    with platform_scope("test"), pytest.raises(OSError, match="no Redis"):
        discard(seats.bus, entry_ids, actor=operator)

    assert audited("portal.poison.discarded") == []
