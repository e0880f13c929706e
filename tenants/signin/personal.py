"""What signing in holds about a household: invitations to it, and how its people sign in."""

from __future__ import annotations

from collections.abc import Iterator

from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.db.models import QuerySet

from tenants import deletion
from tenants.audit import Actor
from tenants.privacy.holdings import File, Holding, Things, as_lines, hold, not_personal
from tenants.scope import identity_scope
from tenants.signin.models import IdentityProvider, Invitation


class Invitations(Holding):
    models = (Invitation,)

    def stop(self, things: Things, *, actor: Actor) -> None:
        """Whoever came by one now would have an account that is part of no erasure."""
        deletion.delete(_invitations(things), actor=actor)

    def files(self, things: Things) -> Iterator[File]:
        yield "signin.invitation.jsonl", as_lines(_invitations(things))

    def erase(self, things: Things) -> None:
        deletion.delete(_invitations(things), actor=None)


class WaysOfSigningIn(Holding):
    """They go with the accounts, which the people of the household lose first of all.

    An export leaves out what the providers of other tenants call them: its reader is this tenant.
    """

    models = (EmailAddress, SocialAccount)

    def files(self, things: Things) -> Iterator[File]:
        people = things.found.get("people", ())
        providers = [str(key) for key in IdentityProvider.objects.values_list("pk", flat=True)]
        with identity_scope("export how people of a household sign in"):
            addresses = EmailAddress.objects.filter(user__in=people).order_by("pk")
            accounts = SocialAccount.objects.filter(user__in=people, provider__in=providers).order_by("pk")
            yield "account.emailaddress.jsonl", list(as_lines(addresses))
            yield "socialaccount.socialaccount.jsonl", list(as_lines(accounts))


def _invitations(things: Things) -> QuerySet[Invitation]:
    return Invitation.objects.filter(household_id=things.household_id).order_by("pk")


hold(Invitations())
hold(WaysOfSigningIn())
not_personal("mfa.Authenticator", "sealed seeds and public keys; goes with the account")
not_personal("account.EmailConfirmation", "nothing writes it")
not_personal("socialaccount.SocialToken", "nothing writes it")
not_personal("socialaccount.SocialApp", "nothing writes it")
not_personal("signin.IdentityProvider", "an organisation's")
not_personal("signin.SignInPolicy", "what an organisation demands")
