"""What signing in holds about a household: invitations to it, and how its people sign in."""

from __future__ import annotations

from collections.abc import Iterator

from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.db.models import QuerySet

from tenants import deletion
from tenants.privacy.holdings import File, Holding, Things, as_lines, hold, not_personal
from tenants.scope import identity_scope
from tenants.signin.models import Invitation


class Invitations(Holding):
    models = (Invitation,)

    def files(self, things: Things) -> Iterator[File]:
        yield "signin.invitation.jsonl", as_lines(_invitations(things))

    def erase(self, things: Things) -> None:
        deletion.delete(_invitations(things), actor=None)


class WaysOfSigningIn(Holding):
    """They go with the accounts, which the people of the household lose first of all."""

    models = (EmailAddress, SocialAccount)

    def files(self, things: Things) -> Iterator[File]:
        people = things.found.get("people", ())
        with identity_scope("export how people of a household sign in"):
            for model in self.models:
                rows = model.objects.filter(user__in=people).order_by("pk")
                yield f"{model._meta.label_lower}.jsonl", list(as_lines(rows))


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
