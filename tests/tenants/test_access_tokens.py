from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from tenants import access_tokens
from tenants.access_tokens import SecretEnded, find_access_token, revoke_access_token
from tenants.api_clients import authenticate_client, issue_secret, revoke_secret
from tenants.models import APIAccessToken, APIClient, Tenant
from tenants.scope import tenant_scope
from tenants.tasks import forget_expired_access_tokens
from tests.support.programs import Program, make_program
from tests.support.registry import audited, make_tenant

pytestmark = pytest.mark.django_db


def _is_valid(token: str) -> bool:
    return find_access_token(token, now=timezone.now()) is not None


def test_knows_the_client_and_the_scopes_by_the_token() -> None:
    program = make_program()

    token = program.access_token("pools:read")

    assert token.startswith("fha_")
    found = find_access_token(token, now=timezone.now())
    assert found is not None
    assert (found.client, found.tenant, found.scopes) == (program.client, program.client.tenant, ["pools:read"])


def test_stores_no_plain_text() -> None:
    token = make_program().access_token()

    found = find_access_token(token, now=timezone.now())

    assert found is not None
    assert token not in found.token_hash
    assert token not in str(found)


@pytest.mark.parametrize("token", ["", "fha_", "fha_wrong", "fhs_wrong", "fha_\udc80", "fha_\0"])
def test_knows_nobody_by_another_text(token: str) -> None:
    make_program().access_token()

    assert not _is_valid(token)


def test_ends_by_itself() -> None:
    token = make_program().access_token(lifetime_s=600)

    assert find_access_token(token, now=timezone.now() + timedelta(seconds=590)) is not None
    assert find_access_token(token, now=timezone.now() + timedelta(seconds=600)) is None


def test_a_client_ends_its_own_token_and_no_other() -> None:
    alder = make_program()
    birch = make_program(make_tenant("Birch Aggregation", Tenant.Kind.AGGREGATOR))
    token, other = alder.access_token(), alder.access_token()

    revoke_access_token(birch.client, token)
    assert _is_valid(token)

    revoke_access_token(alder.client, token)
    assert not _is_valid(token)
    assert _is_valid(other)


def test_tokens_outlive_their_secret_unless_it_is_asked_otherwise() -> None:
    program = make_program()
    token = program.access_token()
    with tenant_scope(program.client.tenant_id):
        secret = program.client.secrets.get()

    revoke_secret(secret, now=timezone.now(), end_tokens=False)
    assert _is_valid(token)

    revoke_secret(secret, now=timezone.now(), end_tokens=True)
    assert not _is_valid(token)


def test_a_new_secret_can_end_the_tokens_of_all_others() -> None:
    program = make_program()
    token = program.access_token()

    issue_secret(program.client, now=timezone.now(), end_tokens=True)

    assert not _is_valid(token)
    assert _is_valid(program.access_token())


def test_a_client_that_is_switched_off_has_no_valid_token() -> None:
    program = make_program()
    token = program.access_token()
    with tenant_scope(program.client.tenant_id):
        APIClient.objects.update(is_active=False)

    assert not _is_valid(token)


def test_ends_all_tokens_of_one_client() -> None:
    program = make_program()
    other = make_program(program.client.tenant, "reports")
    token, others = program.access_token(), other.access_token()

    access_tokens.end_access_tokens(program.client)

    assert not _is_valid(token)
    assert _is_valid(others)
    assert [entry["object_name"] for entry in audited("tenants.apiclient.access_tokens_ended")] == ["trading desk"]


def test_issues_none_for_a_secret_that_ended_since_it_was_shown() -> None:
    program = make_program()
    now = timezone.now()
    shown = authenticate_client(program.client.client_id, program.secret, now=now)
    assert shown is not None
    revoke_secret(shown, now=now + timedelta(seconds=1), end_tokens=True)

    with pytest.raises(SecretEnded):
        access_tokens.store_access_token(
            "fha_late", shown, scopes=["pools:read"], now=now, lifetime=timedelta(minutes=10)
        )


def test_forgets_what_has_expired() -> None:
    program: Program = make_program()
    program.access_token(lifetime_s=-1)
    program.access_token()

    forget_expired_access_tokens()

    with tenant_scope(program.client.tenant_id):
        assert APIAccessToken.objects.count() == 1
