from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

from tenants.api_clients import MOST_SECRETS, authenticate_client, issue_secret, revoke_secret
from tenants.models import APIClient, APIClientSecret
from tenants.scope import platform_scope, tenant_scope
from tenants.services import create_api_client
from tests.support.programs import make_program
from tests.support.registry import audited, make_member, make_tenant

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 4, 21, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = 24 * HOUR


def _client() -> APIClient:
    return create_api_client(tenant=make_tenant("Alder"), name="portal")


def _row(client: APIClient) -> APIClientSecret:
    """Its newest secret."""
    with tenant_scope(client.tenant_id):
        return client.secrets.select_related("client").order_by("-id")[0]


def _known(client: APIClient, secret: str, now: datetime = NOW) -> bool:
    return authenticate_client(str(client.pk), secret, now=now) is not None


def test_knows_the_client_by_its_secret() -> None:
    client = _client()

    secret = issue_secret(client, now=NOW)

    assert secret.startswith("fhs_")
    found = authenticate_client(str(client.pk), secret, now=NOW)
    assert found is not None
    assert (found.client, found.tenant.name) == (client, "Alder")
    assert client.is_authenticated


def test_stores_no_plain_text() -> None:
    client = _client()

    secret = issue_secret(client, now=NOW)

    row = _row(client)
    assert secret not in row.secret_hash
    trail = str(audited("tenants.apiclientsecret.issued"))
    assert secret not in trail
    assert row.secret_hash not in trail


@pytest.mark.parametrize("secret", ["", "fhs_", "fhs_wrong", "fha_wrong", "fhs_\udc80", "fhs_\0"])
def test_knows_nobody_by_another_text(secret: str) -> None:
    client = _client()
    issue_secret(client, now=NOW)

    assert not _known(client, secret)


@pytest.mark.parametrize("client_id", ["", "nonsense", "\0", "00000000-0000-0000-0000-000000000000"])
def test_a_secret_is_of_no_use_with_another_id(client_id: str) -> None:
    secret = issue_secret(_client(), now=NOW)

    assert authenticate_client(client_id, secret, now=NOW) is None


def test_the_old_secret_goes_on_for_a_day_beside_the_new_one() -> None:
    client = _client()
    old = issue_secret(client, now=NOW)

    new = issue_secret(client, now=NOW + HOUR)

    assert _known(client, old, NOW + DAY)
    assert not _known(client, old, NOW + DAY + HOUR)
    assert _known(client, new, NOW + 365 * DAY)


def test_a_third_secret_does_not_prolong_the_first() -> None:
    client = _client()
    first = issue_secret(client, now=NOW)
    issue_secret(client, now=NOW, overlap=HOUR)

    issue_secret(client, now=NOW, overlap=DAY)

    assert not _known(client, first, NOW + HOUR)


def test_without_an_overlap_the_old_secret_ends_at_once_by_any_clock() -> None:
    client = _client()
    old = issue_secret(client, now=NOW)

    issue_secret(client, now=NOW, overlap=timedelta(0))

    assert not _known(client, old)
    assert not _known(client, old, NOW - HOUR)


def test_a_revoked_secret_ends_at_once_and_the_others_go_on() -> None:
    client = _client()
    old, row = issue_secret(client, now=NOW), _row(client)
    new = issue_secret(client, now=NOW)

    revoke_secret(row, now=NOW, end_tokens=False)

    assert not _known(client, old)
    assert _known(client, new)


def test_a_client_that_is_switched_off_is_nobody() -> None:
    client = _client()
    secret = issue_secret(client, now=NOW)
    with tenant_scope(client.tenant_id):
        APIClient.objects.update(is_active=False)

    assert not _known(client, secret)


def test_a_client_has_so_many_secrets_at_most() -> None:
    client = _client()
    for _ in range(MOST_SECRETS):
        issue_secret(client, now=NOW)

    with pytest.raises(ValidationError, match="10 valid secrets at most"):
        issue_secret(client, now=NOW)

    issue_secret(client, now=NOW + DAY)


def test_notes_the_use_once_a_minute() -> None:
    client = _client()
    secret = issue_secret(client, now=NOW)

    noted = []
    for seconds in (0, 59, 60, 61):
        _known(client, secret, NOW + timedelta(seconds=seconds))
        last_used_at = _row(client).last_used_at
        assert last_used_at is not None
        noted.append((last_used_at - NOW).total_seconds())

    assert noted == [0, 0, 60, 60]


def test_the_first_use_leaves_an_audit_row() -> None:
    client = _client()
    secret = issue_secret(client, now=NOW)
    for _ in range(2):
        _known(client, secret)

    (entry,) = audited("tenants.apiclientsecret.first_used")
    assert (entry["actor_type"], entry["actor_name"]) == ("tenants.apiclient", "portal")
    assert entry["tenant_id"] == client.tenant_id


def test_acts_of_people_leave_audit_rows() -> None:
    client = _client()
    ann = make_member(client.tenant, "ann")
    issue_secret(client, now=NOW, overlap=HOUR, actor=ann)

    revoke_secret(_row(client), now=NOW, end_tokens=True, actor=ann)

    (issued,) = audited("tenants.apiclientsecret.issued")
    (revoked,) = audited("tenants.apiclientsecret.revoked")
    assert issued["actor_name"] == revoked["actor_name"] == "ann"
    assert issued["after"]["others_end_at"] == "2026-04-21T11:00:00Z"
    assert revoked["after"] == {"revoked_at": "2026-04-21T10:00:00Z", "access_tokens_ended": True}


def test_says_in_a_word_how_it_stands_with_a_secret() -> None:
    client = _client()
    issue_secret(client, now=NOW)
    row = _row(client)

    assert row.state(NOW) == "valid"
    issue_secret(client, now=NOW)
    with tenant_scope(client.tenant_id):
        row.refresh_from_db()
    assert (row.state(NOW), row.state(NOW + DAY)) == ("ending", "ended")
    revoke_secret(row, now=NOW, end_tokens=False)
    with tenant_scope(client.tenant_id):
        row.refresh_from_db()
    assert row.state(NOW) == "revoked"


def test_the_database_ties_a_secret_to_the_tenant_of_its_client() -> None:
    make_program()
    birch = make_tenant("Birch")

    with platform_scope("test"), transaction.atomic():
        APIClientSecret.objects.update(tenant=birch)
        with pytest.raises(IntegrityError, match="api_secret_same_tenant"):
            connection.check_constraints()
        transaction.set_rollback(True)
