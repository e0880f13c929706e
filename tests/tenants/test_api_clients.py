import pytest

from tenants.api_clients import authenticate, issue_token
from tenants.models import APIClient
from tenants.scope import tenant_scope
from tenants.services import create_api_client
from tests.support.registry import audited, make_tenant

pytestmark = pytest.mark.django_db


def _client() -> APIClient:
    return create_api_client(tenant=make_tenant("Alder"), name="portal")


def test_knows_the_client_by_its_token() -> None:
    client = _client()

    token = issue_token(client)

    assert token.startswith("fha_")
    found = authenticate(token)
    assert found == client
    assert found is not None
    assert found.tenant.name == "Alder"
    assert found.is_authenticated


def test_stores_no_plain_text() -> None:
    client = _client()

    token = issue_token(client)

    assert client.token_hash is not None
    assert token not in client.token_hash
    assert str(audited("tenants.apiclient.token_issued")).count(client.token_hash) == 0


@pytest.mark.parametrize("token", ["", "fha_", "fha_wrong", "fhn_wrong", "fha_\udc80"])
def test_knows_nobody_by_another_text(token: str) -> None:
    issue_token(_client())

    assert authenticate(token) is None


def test_a_new_token_ends_the_old_one() -> None:
    client = _client()
    old = issue_token(client)

    new = issue_token(client)

    assert authenticate(old) is None
    assert authenticate(new) == client


def test_a_client_that_is_switched_off_is_nobody() -> None:
    client = _client()
    token = issue_token(client)
    with tenant_scope(client.tenant_id):
        APIClient.objects.update(is_active=False)

    assert authenticate(token) is None


def test_clients_without_a_token_do_not_get_in_each_others_way() -> None:
    alder = make_tenant("Alder")

    create_api_client(tenant=alder, name="one")
    create_api_client(tenant=alder, name="two")
