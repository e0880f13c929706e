from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from flexhub.pairing.models import DialledEnd, NodeToken
from flexhub.pairing.services import MAX_TOKENS_PER_NODE, authenticate_node, issue_node_token
from tenants.scope import tenant_scope
from tests.support.registry import Household, audited, make_household, make_member, make_operator
from tests.support.sealed import opened

pytestmark = pytest.mark.django_db

TOKENS = "/admin/pairing/nodetoken/"


@pytest.fixture
def alder() -> Household:
    return make_household("Alder")


def _row(household: Household) -> NodeToken:
    with tenant_scope(household.tenant.pk):
        return NodeToken.objects.get()


def test_a_new_token_is_shown_once(client: Client, alder: Household) -> None:
    client.force_login(make_member(alder.tenant, "ann"))

    response = client.post(f"{TOKENS}add/", {"node": str(alder.rm_node.pk)})

    token = response.context["token"]
    assert token in response.content.decode()
    assert authenticate_node(alder.rm_node.pk, token) is not None
    assert token not in client.get(TOKENS).content.decode()
    assert audited("pairing.nodetoken.issued")[-1]["actor_name"] == "ann"


def test_offers_the_nodes_that_can_have_one_more(client: Client, alder: Household) -> None:
    client.force_login(make_member(alder.tenant))
    page = client.get(f"{TOKENS}add/").content.decode()
    assert str(alder.rm_node.pk) in page
    assert str(alder.cem_node.pk) not in page

    for _ in range(MAX_TOKENS_PER_NODE - 1):
        issue_node_token(alder.rm_node)

    assert str(alder.rm_node.pk) not in client.get(f"{TOKENS}add/").content.decode()


def test_revokes_tokens(client: Client, alder: Household) -> None:
    client.force_login(make_member(alder.tenant, "ann"))
    row = _row(alder)

    client.post(TOKENS, {"action": "revoke", "_selected_action": [str(row.pk)]})

    assert authenticate_node(alder.rm_node.pk, alder.token) is None
    (entry,) = audited("pairing.nodetoken.revoked")
    assert entry["actor_name"] == "ann"


def test_a_new_token_may_let_the_others_end_later(client: Client, alder: Household) -> None:
    client.force_login(make_member(alder.tenant, "ann"))
    asked_at = timezone.now()

    page = client.post(
        f"{TOKENS}add/",
        {"node": str(alder.rm_node.pk), "others": "3600", "expires_at_0": "2126-01-01", "expires_at_1": "00:00:00"},
    )

    with tenant_scope(alder.tenant.pk):
        old, new = NodeToken.objects.order_by("pk")
    assert authenticate_node(alder.rm_node.pk, page.context["token"]) is not None
    assert old.expires_at is not None
    assert old.expires_at >= asked_at + timedelta(hours=1)
    assert new.expires_at is not None
    assert new.expires_at.year == 2126
    assert audited("pairing.nodetoken.replaced")[0]["actor_name"] == "ann"
    assert client.get(f"{TOKENS}{old.pk}/change/").status_code == 200


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"expires_at_0": "2000-01-01", "expires_at_1": "00:00:00"}, "expires in the future"),
        ({"others": "12"}, "Select a valid choice"),
    ],
)
def test_says_what_is_wrong_with_a_new_token(
    client: Client, alder: Household, values: dict[str, str], problem: str
) -> None:
    client.force_login(make_member(alder.tenant))

    page = client.post(f"{TOKENS}add/", {"node": str(alder.rm_node.pk), **values})

    assert problem in page.content.decode()
    assert _row(alder).revoked_at is None


def test_never_shows_a_hash_in_full(client: Client, alder: Household) -> None:
    client.force_login(make_member(alder.tenant))
    row = _row(alder)

    for url in (TOKENS, f"{TOKENS}{row.pk}/change/"):
        page = client.get(url).content.decode()
        assert row.token_hash[:8] in page
        assert row.token_hash not in page


def test_others_see_and_revoke_nothing(client: Client, alder: Household) -> None:
    birch = make_household("Birch")
    client.force_login(make_member(birch.tenant))

    assert "Alder" not in client.get(TOKENS).content.decode()
    client.post(TOKENS, {"action": "revoke", "_selected_action": [str(_row(alder).pk)]})
    client.post(f"{TOKENS}add/", {"node": str(alder.rm_node.pk)})

    assert _row(alder).revoked_at is None


ENDS = "/admin/pairing/dialledend/"
NEW_END = {"role": "RM", "url": "wss://devices.example/s2", "token": "geheim-1", "enabled": "on"}


def _end(household: Household) -> DialledEnd:
    with tenant_scope(household.tenant.pk):
        return DialledEnd.objects.get()


def test_a_dialled_end_is_added_and_its_token_never_shown(client: Client, alder: Household) -> None:
    client.force_login(make_member(alder.tenant, "ann"))

    client.post(f"{ENDS}add/", {**NEW_END, "link": str(alder.link.pk)})

    row = _end(alder)
    assert opened(row) == "geheim-1"
    for url in (ENDS, f"{ENDS}{row.pk}/change/"):
        page = client.get(url).content.decode()
        assert "wss://devices.example/s2" in page
        assert "geheim" not in page
        assert row.sealed_token not in page
    assert audited("pairing.dialledend.created")[-1]["actor_name"] == "ann"


def test_a_dialled_end_is_changed_with_or_without_its_token(client: Client, alder: Household) -> None:
    client.force_login(make_member(alder.tenant, "ann"))
    client.post(f"{ENDS}add/", {**NEW_END, "link": str(alder.link.pk)})
    page = f"{ENDS}{_end(alder).pk}/change/"

    client.post(page, {"url": "wss://devices.example/new", "token": ""})
    kept = _end(alder)
    client.post(page, {"url": kept.url, "token": "geheim-2", "enabled": "on"})
    replaced = _end(alder)
    client.post(page, {"url": kept.url, "forget_token": "on", "enabled": "on"})

    assert (kept.url, kept.enabled, kept.revision) == ("wss://devices.example/new", False, 2)
    assert opened(kept) == "geheim-1"
    assert opened(replaced) == "geheim-2"
    assert _end(alder).sealed_token == ""
    trail = audited("pairing.dialledend.changed")
    assert [entry["actor_name"] for entry in trail] == ["ann"] * 3
    assert "geheim" not in str(trail)


def test_a_token_does_not_follow_to_another_server(client: Client, alder: Household) -> None:
    """Who may not read it could have it sent to a server of their own."""
    client.force_login(make_member(alder.tenant, "ann"))
    client.post(f"{ENDS}add/", {**NEW_END, "link": str(alder.link.pk)})
    page = f"{ENDS}{_end(alder).pk}/change/"

    refused = client.post(page, {"url": "wss://elsewhere.example/s2", "token": "", "enabled": "on"})
    before = _end(alder)
    client.post(page, {"url": "wss://elsewhere.example/s2", "forget_token": "on", "enabled": "on"})

    assert list(refused.context["adminform"].form.errors) == ["token"]
    assert (before.url, opened(before)) == (NEW_END["url"], "geheim-1")
    assert (_end(alder).url, _end(alder).sealed_token) == ("wss://elsewhere.example/s2", "")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"url": "wss://10.0.0.1"}, "not an address of the public Internet"),
        ({"url": "https://devices.example"}, "begins with wss://"),
        ({"token": "two words"}, "neither blanks nor accents"),
        ({"role": "CEM"}, "run by the hub"),
        ({"link": ""}, "This field is required"),
    ],
)
def test_says_what_is_wrong_with_a_dialled_end(
    client: Client, alder: Household, change: dict[str, str], problem: str
) -> None:
    client.force_login(make_member(alder.tenant))

    response = client.post(f"{ENDS}add/", {**NEW_END, "link": str(alder.link.pk), **change})

    assert problem in response.content.decode()
    with tenant_scope(alder.tenant.pk):
        assert not DialledEnd.objects.exists()


def test_an_end_is_dialled_once(client: Client, alder: Household) -> None:
    client.force_login(make_member(alder.tenant))
    client.post(f"{ENDS}add/", {**NEW_END, "link": str(alder.link.pk)})

    response = client.post(f"{ENDS}add/", {**NEW_END, "link": str(alder.link.pk)})

    assert "connects to this end already" in response.content.decode()


def test_others_neither_see_nor_make_dialled_ends(client: Client, alder: Household) -> None:
    client.force_login(make_member(alder.tenant))
    client.post(f"{ENDS}add/", {**NEW_END, "link": str(alder.link.pk)})
    row, birch = _end(alder), make_household("Birch")
    client.force_login(make_member(birch.tenant))

    assert "devices.example" not in client.get(ENDS).content.decode()
    assert client.get(f"{ENDS}{row.pk}/change/").status_code == 404
    client.post(f"{ENDS}add/", {**NEW_END, "link": str(alder.link.pk)})
    client.post(f"{ENDS}{row.pk}/delete/", {"post": "yes"})

    assert _end(alder).revision == 1
    with tenant_scope(birch.tenant.pk):
        assert not DialledEnd.objects.exists()


def test_a_dialled_end_is_deleted(client: Client, alder: Household) -> None:
    client.force_login(make_operator())
    client.post(f"{ENDS}add/", {**NEW_END, "link": str(alder.link.pk)})
    row = _end(alder)

    client.post(f"{ENDS}{row.pk}/delete/", {"post": "yes"})

    assert audited("pairing.dialledend.deleted")[-1]["object_id"] == str(row.pk)
    with tenant_scope(alder.tenant.pk):
        assert not DialledEnd.objects.exists()
