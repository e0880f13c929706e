from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from flexhub.pairing.models import NodeToken
from flexhub.pairing.services import authenticate_node, issue_node_token, revoke_node_token
from flexhub.pairing.standing import USE_NOTED_AGAIN_AFTER, Credential, ended_credentials, note_use
from tenants.deactivation import deactivate
from tenants.scope import tenant_scope
from tests.support.registry import Household, make_household

pytestmark = pytest.mark.django_db


@pytest.fixture
def alder() -> Household:
    return make_household("Alder")


def credential_of(household: Household, token: str = "") -> Credential:
    identity = authenticate_node(household.rm_node.pk, token or household.token)
    assert identity is not None
    assert identity.credential is not None
    return identity.credential


def row_of(household: Household) -> NodeToken:
    with tenant_scope(household.tenant.pk):
        return NodeToken.objects.get(pk=credential_of(household).token_id)


def test_what_opened_a_session_holds_until_it_is_revoked(alder: Household) -> None:
    birch = make_household("Birch")
    held = [credential_of(alder), credential_of(birch), credential_of(alder, issue_node_token(alder.rm_node))]
    assert ended_credentials(held) == set()

    revoke_node_token(row_of(alder))

    assert ended_credentials(held) == {held[0]}


def test_an_expired_token_no_longer_holds(alder: Household) -> None:
    held = [credential_of(alder)]
    with tenant_scope(alder.tenant.pk):
        NodeToken.objects.update(expires_at=timezone.now() + timedelta(hours=1))
        assert ended_credentials(held) == set()
        NodeToken.objects.update(expires_at=timezone.now() - timedelta(hours=1))

    assert ended_credentials(held) == set(held)


@pytest.mark.parametrize("what", ["link", "rm_node", "device", "site"])
def test_ends_with_what_it_was_for(alder: Household, what: str) -> None:
    held = [credential_of(alder)]

    with tenant_scope(alder.tenant.pk):
        getattr(alder, what).delete()

    assert ended_credentials(held) == set(held)


def test_asks_one_question_about_many(alder: Household) -> None:
    held = [credential_of(alder), *(Credential(token_id, uuid4()) for token_id in range(-500, 0))]

    with CaptureQueriesContext(connection) as queries:
        assert ended_credentials(held) == set(held[1:])

    assert sum("unnest" in query["sql"] for query in queries) == 1


def test_notes_the_use_once_a_minute_at_most(alder: Household) -> None:
    token_ids = [credential_of(alder).token_id]
    note_use(token_ids)
    first = row_of(alder).last_used_at

    note_use(token_ids)
    assert row_of(alder).last_used_at == first

    with tenant_scope(alder.tenant.pk):
        NodeToken.objects.update(last_used_at=timezone.now() - USE_NOTED_AGAIN_AFTER)
    note_use(token_ids)
    assert first is not None
    assert row_of(alder).last_used_at not in (None, first)


def test_ends_with_the_tenant_that_is_deactivated(alder: Household) -> None:
    birch = make_household("Birch")
    held = [credential_of(alder), credential_of(birch)]

    deactivate(alder.tenant, now=timezone.now())

    assert ended_credentials(held) == {held[0]}
