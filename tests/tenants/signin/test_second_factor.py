"""Second factors: set up, shown, demanded, lost."""

from __future__ import annotations

import time
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from django.test import Client

from tenants.models import Membership, Tenant, User
from tenants.scope import identity_scope, tenant_scope
from tenants.services import create_household, create_member
from tenants.signin.models import SignInPolicy
from tests.support.registry import audited, make_tenant
from tests.tenants.signin.conftest import PASSWORD, sign_in, who

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
SITES = "/admin/devices/site/"
NEEDED = "/accounts/second-factor/"


def code(secret: str = SECRET, periods_ago: int = 0) -> str:
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 - periods_ago))


def give_app(user: User) -> None:
    with identity_scope("test"):
        TOTP.activate(user, SECRET)


def demand(tenant: Tenant) -> None:
    with tenant_scope(tenant.pk):
        SignInPolicy.objects.create(tenant=tenant, second_factor=True)


@pytest.fixture(autouse=True)
def _one_period(monkeypatch: pytest.MonkeyPatch) -> None:
    """A code is made and shown within the same half minute, however slow the machine is."""
    now = int(time.time())
    monkeypatch.setattr("allauth.mfa.totp.internal.auth.time.time", lambda: now)


@pytest.mark.usefixtures("transactional_db", "worker")
def test_a_person_sets_up_an_app_and_shows_it_from_then_on(client: Client, ann: User) -> None:
    sign_in(client, "ann")
    secret = client.get("/accounts/2fa/totp/activate/").context["form"].secret
    client.post("/accounts/2fa/totp/activate/", {"code": code(secret)})
    assert [entry["after"] for entry in audited("tenants.user.second_factor_added") if entry["tenant_id"]] == [
        {"type": "totp"},
        {"type": "recovery_codes"},
    ]
    client.post("/accounts/logout/")

    assert sign_in(client, "ann")["Location"] == "/accounts/2fa/authenticate/"
    assert who(client) is None
    assert client.post("/accounts/2fa/authenticate/", {"code": code(secret)})["Location"] == "/admin/"
    assert who(client) == "ann"


def test_seeds_and_recovery_codes_are_sealed(ann: User) -> None:
    with identity_scope("test"):
        TOTP.activate(ann, SECRET)
        codes = RecoveryCodes.activate(ann).get_unused_codes()
        stored = str(list(Authenticator.objects.values_list("data", flat=True)))

    assert SECRET not in stored
    assert not [each for each in codes if each in stored]


def test_a_code_is_good_for_once(client: Client, ann: User) -> None:
    give_app(ann)
    for browser in (client, Client()):
        sign_in(browser, "ann")
        browser.post("/accounts/2fa/authenticate/", {"code": code()})

    assert who(client) == "ann"
    assert who(browser) is None


def test_an_old_code_and_a_wrong_one_are_refused_and_slowed_down(client: Client, ann: User) -> None:
    give_app(ann)
    sign_in(client, "ann")
    for guess in (code(periods_ago=3), "000000", "", "x" * 1000, "111111", "222222"):
        client.post("/accounts/2fa/authenticate/", {"code": guess})

    client.post("/accounts/2fa/authenticate/", {"code": code()})

    assert who(client) is None
    assert audited("tenants.user.sign_in_failed")[0]["object_name"] == "ann"


def test_a_recovery_code_stands_in_once(client: Client, ann: User) -> None:
    give_app(ann)
    with identity_scope("test"):
        (first, *_) = RecoveryCodes.activate(ann).get_unused_codes()
    for browser in (client, Client()):
        sign_in(browser, "ann")
        browser.post("/accounts/2fa/authenticate/", {"code": first})

    assert (who(client), who(browser)) == ("ann", None)


@pytest.mark.usefixtures("transactional_db", "worker")
def test_nothing_else_is_shown_to_whom_one_is_demanded_from(client: Client, alder: Tenant, ann: User) -> None:
    demand(alder)
    sign_in(client, "ann")

    assert client.get(SITES)["Location"] == NEEDED
    assert client.post(f"{SITES}add/", {"name": "Home"})["Location"] == NEEDED
    refreshed = client.get("/admin/sessions/", headers={"HX-Request": "true"})
    assert (refreshed.status_code, refreshed["HX-Redirect"]) == (204, NEEDED)
    assert "authenticator app" in client.get(NEEDED).content.decode()

    secret = client.get("/accounts/2fa/totp/activate/").context["form"].secret
    client.post("/accounts/2fa/totp/activate/", {"code": code(secret)})
    assert client.get(SITES).status_code == 200
    assert client.get(NEEDED)["Location"] == "/admin/"


def test_another_tenants_demand_is_not_ours(client: Client, ann: User) -> None:
    demand(make_tenant("Birch"))
    sign_in(client, "ann")

    assert client.get(SITES).status_code == 200


def test_a_session_from_before_does_not_become_a_full_one(client: Client, alder: Tenant, ann: User) -> None:
    demand(alder)
    sign_in(client, "ann")

    give_app(ann)

    assert client.get(SITES)["Location"] == NEEDED
    assert "Sign out, and sign in with it" in client.get(NEEDED).content.decode()


@pytest.mark.parametrize("page", ["webauthn/add/", "totp/deactivate/", "recovery-codes/generate/", ""])
def test_a_session_from_before_changes_no_factor(client: Client, ann: User, page: str) -> None:
    """With a stolen password it could add one of its own, and be a full one after all."""
    sign_in(client, "ann")
    assert client.get("/accounts/2fa/webauthn/add/").status_code == 200

    give_app(ann)

    assert client.get(f"/accounts/2fa/{page}")["Location"] == NEEDED
    assert client.post(f"/accounts/2fa/{page}")["Location"] == NEEDED
    assert "Sign out, and sign in with it" in client.get(NEEDED).content.decode()


def test_operators_always_show_one(client: Client, alder: Tenant, settings: Any) -> None:
    settings.OPERATORS_SECOND_FACTOR = True
    olga = create_member(tenant=make_tenant("Operations", Tenant.Kind.OPERATOR), username="olga", password=PASSWORD)
    sign_in(client, "olga")
    assert client.get("/admin/")["Location"] == NEEDED
    client.post("/accounts/logout/")

    give_app(olga)
    sign_in(client, "olga")
    client.post("/accounts/2fa/authenticate/", {"code": code()})

    assert client.get("/admin/").status_code == 200


def test_the_last_one_stays_where_it_is_demanded(client: Client, alder: Tenant, ann: User) -> None:
    give_app(ann)
    demand(alder)
    sign_in(client, "ann")
    client.post("/accounts/2fa/authenticate/", {"code": code()})

    page = client.post("/accounts/2fa/totp/deactivate/")

    assert "cannot deactivate" in page.content.decode()
    with identity_scope("test"):
        assert Authenticator.objects.filter(user=ann).exists()


def test_taking_one_away_wants_a_fresh_sign_in(client: Client, ann: User, settings: Any) -> None:
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = 0
    give_app(ann)
    sign_in(client, "ann")
    client.post("/accounts/2fa/authenticate/", {"code": code()})

    for answer in (client.get("/accounts/2fa/totp/deactivate/"), client.post("/accounts/2fa/totp/deactivate/")):
        assert answer["Location"] == "/accounts/reauthenticate/?next=%2Faccounts%2F2fa%2Ftotp%2Fdeactivate%2F"
    # allauth would keep the POST with its headers, the cookie among them.
    assert str(client.session.session_key) not in str(dict(client.session))


def test_who_takes_theirs_away_leaves_a_row(client: Client, ann: User) -> None:
    give_app(ann)
    sign_in(client, "ann")
    client.post("/accounts/2fa/authenticate/", {"code": code()})

    client.post("/accounts/2fa/totp/deactivate/")

    assert audited("tenants.user.second_factor_removed")[0]["before"] == {"type": "totp"}
    assert sign_in(Client(), "ann")["Location"] == "/admin/"


def test_an_operator_takes_a_lost_one_away(client: Client, alder: Tenant, ann: User) -> None:
    give_app(ann)
    with identity_scope("test"):
        (lost,) = Authenticator.objects.all()
    create_member(tenant=make_tenant("Operations", Tenant.Kind.OPERATOR), username="olga", password=PASSWORD)
    page = f"/admin/mfa/authenticator/{lost.pk}/"

    sign_in(client, "ann")
    client.post("/accounts/2fa/authenticate/", {"code": code()})
    assert client.post(f"{page}delete/", {"post": "yes"}).status_code == 403
    client.post("/accounts/logout/")
    sign_in(client, "olga")
    assert SECRET not in client.get(f"{page}change/").content.decode()
    client.post(f"{page}delete/", {"post": "yes"})

    entry, _ = audited("tenants.user.second_factor_removed")
    assert (entry["actor_name"], entry["object_name"], entry["tenant_id"]) == ("olga", "ann", alder.pk)
    assert sign_in(Client(), "ann")["Location"] == "/admin/"


def test_the_pages_of_a_security_key_hold_no_script_of_their_own(client: Client, ann: User) -> None:
    sign_in(client, "ann")

    page = client.get("/accounts/2fa/webauthn/add/").content.decode()

    scripts = page.split("<script")[1:]
    assert scripts
    assert all(" src=" in each.partition(">")[0] or "application/json" in each.partition(">")[0] for each in scripts)


def test_a_residents_provider_demands_it_of_residents_too(client: Client, alder: Tenant) -> None:
    household = create_household(tenant=alder, name="Elm Street 1")
    create_member(tenant=alder, username="rob", password=PASSWORD, role=Membership.Role.RESIDENT, household=household)
    demand(alder)
    sign_in(client, "rob")

    assert client.get(SITES)["Location"] == NEEDED
