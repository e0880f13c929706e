"""The pages of API clients and their secrets."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from tenants.access_tokens import find_access_token
from tenants.api_clients import authenticate_client
from tenants.models import APIClient, APIClientSecret, Tenant
from tenants.scope import tenant_scope
from tests.support.programs import Program, make_program
from tests.support.registry import audited, make_member, make_tenant

pytestmark = pytest.mark.django_db

CLIENTS = "/admin/tenants/apiclient/"
SECRETS = "/admin/tenants/apiclientsecret/"


@pytest.fixture
def program(client: Client) -> Program:
    """Alder's, with Ann signed in who looks after it."""
    program = make_program()
    client.force_login(make_member(program.client.tenant, "ann"))
    return program


def _known(program: Program, secret: str | None = None) -> bool:
    shown = program.secret if secret is None else secret
    return authenticate_client(program.client.client_id, shown, now=timezone.now()) is not None


def _is_valid(token: str) -> bool:
    return find_access_token(token, now=timezone.now()) is not None


def _secret_of(program: Program) -> APIClientSecret:
    with tenant_scope(program.client.tenant_id):
        return APIClientSecret.objects.filter(client=program.client).order_by("id")[0]


def test_a_new_client_shows_its_secret_once(client: Client) -> None:
    alder = make_tenant("Alder", Tenant.Kind.AGGREGATOR)
    client.force_login(make_member(alder, "ann"))

    response = client.post(f"{CLIENTS}add/", {"name": "portal", "is_active": "on"})

    secret, page = response.context["secret"], response.content.decode()
    with tenant_scope(alder.pk):
        api_client = APIClient.objects.get()
    assert _known(Program(api_client, secret))
    assert secret in page
    assert str(api_client.pk) in page
    assert "no-store" in response["Cache-Control"]
    assert audited("tenants.apiclient.created")[-1]["actor_name"] == "ann"
    assert audited("tenants.apiclientsecret.issued")[-1]["actor_name"] == "ann"


def test_asking_for_the_form_issues_nothing(client: Client, program: Program) -> None:
    page = client.get(f"{CLIENTS}{program.client.pk}/secret/")

    assert page.status_code == 200
    assert "in 24 hours" in page.content.decode()
    with tenant_scope(program.client.tenant_id):
        assert APIClientSecret.objects.count() == 1


def test_a_new_secret_lets_the_old_one_and_its_tokens_go_on_for_a_while(client: Client, program: Program) -> None:
    token = program.access_token()

    response = client.post(f"{CLIENTS}{program.client.pk}/secret/", {"overlap_h": "24"})

    assert _known(program, response.context["secret"])
    assert _known(program)
    assert _is_valid(token)
    assert _secret_of(program).expires_at is not None


def test_a_new_secret_can_end_the_old_one_and_its_tokens_at_once(client: Client, program: Program) -> None:
    token = program.access_token()

    response = client.post(f"{CLIENTS}{program.client.pk}/secret/", {"overlap_h": "0", "end_tokens": "on"})

    assert _known(program, response.context["secret"])
    assert not _known(program)
    assert not _is_valid(token)


def test_an_overlap_that_is_not_offered_is_refused(client: Client, program: Program) -> None:
    response = client.post(f"{CLIENTS}{program.client.pk}/secret/", {"overlap_h": "99999"})

    assert "not one of the available choices" in response.content.decode()
    assert "secret" not in response.context


def test_too_many_secrets_are_refused_in_words(client: Client, program: Program) -> None:
    for _ in range(9):
        client.post(f"{CLIENTS}{program.client.pk}/secret/", {"overlap_h": "24"})

    response = client.post(f"{CLIENTS}{program.client.pk}/secret/", {"overlap_h": "24"})

    assert "10 valid secrets at most" in response.content.decode()


@pytest.mark.parametrize(("action", "token_lives"), [("revoke", True), ("revoke_with_tokens", False)])
def test_a_secret_is_revoked(client: Client, program: Program, action: str, token_lives: bool) -> None:
    token = program.access_token()

    client.post(SECRETS, {"action": action, "_selected_action": [str(_secret_of(program).pk)]})

    assert not _known(program)
    assert _is_valid(token) is token_lives
    assert audited("tenants.apiclientsecret.revoked")[-1]["actor_name"] == "ann"


def test_switching_a_client_off_ends_its_tokens_for_good(client: Client, program: Program) -> None:
    token = program.access_token()
    page = f"{CLIENTS}{program.client.pk}/change/"

    client.post(page, {"name": "trading desk"})
    assert not _is_valid(token)
    client.post(page, {"name": "trading desk", "is_active": "on"})

    assert not _is_valid(token)
    assert _known(program)


def test_all_access_tokens_are_ended_on_demand(client: Client, program: Program) -> None:
    token = program.access_token()

    client.post(CLIENTS, {"action": "end_access_tokens", "_selected_action": [str(program.client.pk)]})

    assert not _is_valid(token)
    assert _known(program)


def test_hashes_are_nowhere_in_full(client: Client, program: Program) -> None:
    secret = _secret_of(program)

    for url in (CLIENTS, SECRETS, f"{SECRETS}{secret.pk}/change/", "/admin/tenants/auditentry/"):
        assert secret.secret_hash not in client.get(url).content.decode()
    assert secret.secret_hash[:8] in client.get(SECRETS).content.decode()


def test_others_find_neither_the_client_nor_its_secrets(client: Client, program: Program) -> None:
    client.force_login(make_member(make_tenant("Birch", Tenant.Kind.AGGREGATOR)))
    secret = _secret_of(program)

    client.post(f"{CLIENTS}{program.client.pk}/secret/", {"overlap_h": "0"})
    client.post(SECRETS, {"action": "revoke", "_selected_action": [str(secret.pk)]})
    client.post(CLIENTS, {"action": "end_access_tokens", "_selected_action": [str(program.client.pk)]})

    assert secret.fingerprint not in client.get(SECRETS).content.decode()
    assert _known(program)
    with tenant_scope(program.client.tenant_id):
        assert APIClientSecret.objects.count() == 1
