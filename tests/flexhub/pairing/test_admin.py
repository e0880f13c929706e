from __future__ import annotations

import pytest
from django.test import Client

from flexhub.pairing.models import NodeToken
from flexhub.pairing.services import MAX_TOKENS_PER_NODE, authenticate_node, issue_node_token
from tenants.scope import tenant_scope
from tests.support.registry import Household, audited, make_household, make_member

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
