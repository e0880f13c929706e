"""People come by invitation: once, in time, and as what they were invited to be."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.test import Client
from django.utils import timezone

from tenants import tokens
from tenants.models import Household, Membership, Tenant, User
from tenants.quotas import QuotaReachedError
from tenants.scope import identity_scope, platform_scope, tenant_scope
from tenants.services import create_member, end_membership
from tenants.signin import invitations
from tenants.signin.invitations import AlreadyMember, InvitationNotValid
from tenants.signin.models import Invitation
from tests.support.registry import audited, give_quotas, make_member, make_tenant
from tests.tenants.signin.conftest import PASSWORD, link_in, sign_in, who

pytestmark = pytest.mark.usefixtures("worker")

Committed = Callable[..., Any]
FORM = {"username": "bob", "password1": "bob's odd one", "password2": "bob's odd one"}
ACCEPT = "/accounts/invitations/"


@pytest.fixture
def invite(
    alder: Tenant, mailoutbox: list[EmailMessage], django_capture_on_commit_callbacks: Committed
) -> Callable[..., str]:
    """Invites somebody, and returns the path in their mail."""

    def invite(email: str = "bob@example.com", tenant: Tenant = alder, **options: Any) -> str:
        options = {"role": Membership.Role.MEMBER} | options
        with django_capture_on_commit_callbacks(execute=True):
            invitations.invite(tenant=tenant, email=email, **options)
        return link_in(mailoutbox[-1])

    return invite


def memberships(username: str) -> list[tuple[str, str]]:
    with platform_scope("test"):
        found = Membership.objects.filter(user__username=username).select_related("tenant")
        return [(membership.tenant.name, membership.role) for membership in found]


def people() -> set[str]:
    with identity_scope("test"):
        return {user.username for user in User.objects.all()}


def stored() -> Invitation:
    with platform_scope("test"):
        return Invitation.objects.get()


def test_a_new_person_gets_in(client: Client, invite: Callable[..., str], mailoutbox: list[EmailMessage]) -> None:
    path = invite(role=Membership.Role.ADMIN)
    assert (mailoutbox[0].to, mailoutbox[0].subject) == (["bob@example.com"], "Alder invites you to Flexhub")

    assert client.get(path)["Location"] == ACCEPT
    assert "bob@example.com" in client.get(ACCEPT).content.decode()
    assert client.post(ACCEPT, FORM)["Location"] == "/admin/"

    assert (who(client), memberships("bob")) == ("bob", [("Alder", "ADMIN")])
    with identity_scope("test"):
        assert EmailAddress.objects.get().verified
    assert client.get("/admin/").status_code == 200
    assert sign_in(Client(), "bob@example.com", FORM["password1"])["Location"] == "/admin/"
    assert audited("signin.invitation.accepted")[0]["actor_name"] == "bob"


def test_a_resident_gets_in_with_a_household(client: Client, alder: Tenant, invite: Callable[..., str]) -> None:
    with tenant_scope(alder.pk):
        household = Household.objects.create(tenant=alder, name="Elm Street 1")

    client.get(invite(role=Membership.Role.RESIDENT, household=household))
    client.post(ACCEPT, FORM)

    with platform_scope("test"):
        membership = Membership.objects.get(user__username="bob")
    assert (membership.role, membership.household_id) == ("RESIDENT", household.pk)


def test_an_existing_person_accepts_after_signing_in(client: Client, ann: User, invite: Callable[..., str]) -> None:
    birch = make_tenant("Birch")
    client.get(invite("ann@elsewhere.example", tenant=birch))
    assert "sign in" in client.get(ACCEPT).content.decode()

    answer = client.post("/accounts/login/", {"login": "ann", "password": PASSWORD, "next": ACCEPT})
    assert answer["Location"] == ACCEPT
    client.post(ACCEPT)

    assert memberships("ann") == [("Alder", "ADMIN"), ("Birch", "MEMBER")] or memberships("ann")[1] == (
        "Birch",
        "MEMBER",
    )
    assert client.session["tenant_id"] == str(birch.pk)


def test_whose_address_is_known_signs_in_and_makes_no_second_account(
    client: Client, ann: User, invite: Callable[..., str]
) -> None:
    with identity_scope("test"):
        EmailAddress.objects.create(user=ann, email="ann@alder.example", verified=True)
    client.get(invite("Ann@Alder.example", tenant=make_tenant("Birch")))

    page = client.post(ACCEPT, FORM)

    assert "Make an account" not in page.content.decode()
    assert people() == {"ann"}


def test_a_link_is_good_for_once(client: Client, invite: Callable[..., str]) -> None:
    path = invite()
    late = Client()
    for browser in (client, late):
        browser.get(path)
    client.post(ACCEPT, FORM)

    assert late.post(ACCEPT, FORM | {"username": "eve"}).status_code == 404
    assert Client().get(path).status_code == 404
    assert people() == {"bob"}


def test_of_two_who_come_at_once_one_gets_in(ann: User, invite: Callable[..., str], alder: Tenant) -> None:
    invite()
    first, second = stored(), stored()
    bob = create_member(tenant=make_tenant("Birch"), username="bob", password=None)
    eve = create_member(tenant=make_tenant("Cedar"), username="eve", password=None)

    invitations.accept(first, bob)
    with pytest.raises(InvitationNotValid):
        invitations.accept(second, eve)

    assert memberships("eve") == [("Cedar", memberships("eve")[0][1])]


def test_of_two_links_to_one_address_one_makes_an_account(
    client: Client, invite: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in two windows at once: both found the address free."""
    paths = [invite(tenant=make_tenant(name)) for name in ("Birch", "Cedar")]
    late = Client()
    for browser, path in zip((client, late), paths, strict=True):
        browser.get(path)
    with monkeypatch.context() as at_once:
        at_once.setattr(invitations, "has_account", lambda email: False)
        client.post(ACCEPT, FORM)
        assert invitations.TAKEN_MEANWHILE in late.post(ACCEPT, FORM | {"username": "bobby"}).content.decode()

    assert "Make an account" not in late.post(ACCEPT, FORM | {"username": "bobby"}).content.decode()
    assert (people(), memberships("bob")) == ({"bob"}, [("Birch", "MEMBER")])
    with platform_scope("test"):
        assert Invitation.objects.get(accepted_at=None).tenant.name == "Cedar"


def test_of_two_who_take_one_name_at_once_one_gets_it(
    client: Client, invite: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    late, path = Client(), invite("eve@example.com")
    late.get(path)
    client.get(invite())
    client.post(ACCEPT, FORM)
    monkeypatch.setattr(User, "full_clean", lambda self: None)
    monkeypatch.setattr("tenants.signin.forms.AcceptInvitationForm.clean_username", lambda form: "bob")

    assert invitations.TAKEN_MEANWHILE in late.post(ACCEPT, FORM).content.decode()
    assert memberships("bob") == [("Alder", "MEMBER")]


def test_a_tenant_sends_so_many_a_day(
    alder: Tenant, ann: User, invite: Callable[..., str], mailoutbox: list[EmailMessage]
) -> None:
    give_quotas(alder, invitations_per_day=2)
    invite()
    invitations.send_again(stored(), actor=ann)
    invitations.revoke(stored(), actor=ann)

    with pytest.raises(QuotaReachedError, match="quota of this tenant is 2 invitations a day"):
        invite()
    invite("bob@elsewhere.example", tenant=make_tenant("Birch"))
    with pytest.raises(QuotaReachedError):
        invite("eve@example.com")

    assert [mail.to for mail in mailoutbox] == [["bob@example.com"], ["bob@elsewhere.example"]]


def test_a_day_later_there_is_room_again(
    alder: Tenant, ann: User, invite: Callable[..., str], monkeypatch: Any
) -> None:
    give_quotas(alder, invitations_per_day=1)
    invite()
    with pytest.raises(QuotaReachedError):
        invitations.send_again(stored(), actor=ann)

    tomorrow = timezone.now() + timedelta(days=1)
    monkeypatch.setattr("tenants.quotas.timezone.now", lambda: tomorrow)

    invitations.send_again(stored(), actor=ann)


def test_a_link_is_not_good_for_ever(client: Client, invite: Callable[..., str]) -> None:
    path = invite()
    with platform_scope("test"):
        Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    assert client.get(path).status_code == 404
    assert stored().state == "expired"


def test_every_link_that_is_no_good_reads_the_same(client: Client, invite: Callable[..., str]) -> None:
    used = invite()
    client.get(used)
    client.post(ACCEPT, FORM)
    stranger = Client()

    answers = [
        stranger.get(path) for path in (used, f"{ACCEPT}{tokens.INVITATION_PREFIX}never/", f"{ACCEPT}x/", ACCEPT)
    ]

    assert [answer.status_code for answer in answers] == [404] * 4
    assert len({answer.content for answer in answers}) == 1


def test_only_a_hash_of_the_link_is_stored(client: Client, invite: Callable[..., str]) -> None:
    path = invite()
    token = path.split("/")[-2]
    client.get(path)

    assert stored().token_hash == tokens.digest(token)
    assert token not in str(dict(client.session))
    assert token not in str(audited("signin.invitation.created"))


def test_sending_again_ends_the_link_before(
    client: Client,
    ann: User,
    invite: Callable[..., str],
    mailoutbox: list[EmailMessage],
    django_capture_on_commit_callbacks: Committed,
) -> None:
    old = invite()
    with django_capture_on_commit_callbacks(execute=True):
        invitations.send_again(stored(), actor=ann)

    assert client.get(old).status_code == 404
    assert client.get(link_in(mailoutbox[-1])).status_code == 302
    assert audited("signin.invitation.sent_again")[0]["actor_name"] == "ann"


def test_a_revoked_link_ends_at_once(client: Client, ann: User, invite: Callable[..., str]) -> None:
    path = invite()
    client.get(path)

    invitations.revoke(stored(), actor=ann)

    assert client.post(ACCEPT, FORM).status_code == 404
    assert audited("signin.invitation.revoked")[0]["before"]["email"] == "bob@example.com"


@pytest.mark.parametrize("ending", ["removed", "made a member"])
def test_an_invitation_ends_with_the_one_who_made_it(
    client: Client, alder: Tenant, invite: Callable[..., str], ending: str
) -> None:
    """Who is shown out would come back by it under another name."""
    ann = make_member(alder, "ann")
    path = invite("ann@elsewhere.example", role=Membership.Role.ADMIN, actor=ann)
    with tenant_scope(alder.pk):
        membership = Membership.objects.get(user=ann)
        if ending == "removed":
            end_membership(membership)
        else:
            membership.role = Membership.Role.MEMBER
            membership.save()

    assert client.get(path).status_code == 404
    assert audited("signin.invitation.revoked")[0]["object_name"] == "ann@elsewhere.example"


def test_a_member_stays_what_they_are(client: Client, ann: User, invite: Callable[..., str]) -> None:
    before = memberships("ann")
    path = invite("ann@elsewhere.example", role=Membership.Role.ADMIN)
    sign_in(client, "ann")
    client.get(path)

    assert "belongs to Alder already" in client.post(ACCEPT).content.decode()
    assert memberships("ann") == before
    assert stored().accepted_at is None
    with pytest.raises(AlreadyMember):
        invitations.accept(stored(), ann)


def test_who_would_be_one_too_many_is_told_so(client: Client, ann: User, invite: Callable[..., str]) -> None:
    birch = make_tenant("Birch")
    path = invite("ann@elsewhere.example", tenant=birch)
    give_quotas(birch, members=0)
    sign_in(client, "ann")
    client.get(path)

    assert "quota of this tenant is 0 members" in client.post(ACCEPT).content.decode()
    assert memberships("ann") == [("Alder", "MEMBER")]
    assert stored().accepted_at is None


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"username": "ANN"}, "Somebody has this name already."),
        ({"username": "no such name!"}, "valid username"),
        ({"password1": "short", "password2": "short"}, "too short"),
        ({"password1": "password", "password2": "password"}, "too common"),
        ({"password2": "another"}, "differ"),
    ],
)
def test_a_new_person_is_told_what_is_wrong(
    client: Client, ann: User, invite: Callable[..., str], change: dict[str, str], error: str
) -> None:
    client.get(invite())

    page = client.post(ACCEPT, FORM | change)

    assert error in page.content.decode()
    assert stored().accepted_at is None


def test_nobody_is_invited_twice_or_to_what_makes_no_sense(alder: Tenant, invite: Callable[..., str]) -> None:
    invite()
    birch = make_tenant("Birch")
    with tenant_scope(birch.pk):
        birchs = Household.objects.create(tenant=birch, name="Elm Street 1")

    for wrong in (
        {"email": "BOB@example.com"},
        {"email": "no address"},
        {"email": "eve@example.com", "role": "OWNER"},
        {"email": "eve@example.com", "role": Membership.Role.RESIDENT},
        {"email": "eve@example.com", "household": birchs},
        {"email": "eve@example.com", "household": birchs, "role": Membership.Role.RESIDENT},
    ):
        with pytest.raises(ValidationError):
            invitations.invite(tenant=alder, **({"role": Membership.Role.MEMBER} | wrong))


def test_a_name_with_a_line_break_writes_no_header(invite: Callable[..., str], mailoutbox: list[EmailMessage]) -> None:
    invite(tenant=make_tenant("Birch\r\nBcc: eve@example.com"))

    assert mailoutbox[0].subject == "Birch Bcc: eve@example.com invites you to Flexhub"


def test_what_is_gone_is_not_sent(alder: Tenant, mailoutbox: list[EmailMessage], invite: Callable[..., str]) -> None:
    invite()
    invitation = stored()
    with platform_scope("test"):
        Invitation.objects.all().delete()

    invitations.send(tenant_id=alder.pk, invitation_id=invitation.pk)

    assert len(mailoutbox) == 1


def test_another_tenant_sees_no_invitation(invite: Callable[..., str]) -> None:
    invite()

    with tenant_scope(make_tenant("Birch").pk):
        assert not Invitation.objects.exists()
        assert not Invitation.objects.update(email="eve@example.com")
