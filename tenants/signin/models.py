"""How people come to a tenant and how they sign in: invitations, identity providers, and what a tenant demands."""

from __future__ import annotations

import uuid

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone

from tenants.models import Household, Membership, Tenant, User

# An issuer is compared letter by letter, and a document is looked for behind it (OpenID Connect Discovery 4).
_ISSUER = RegexValidator(r"^https?://[^\s/?#@]+(/[^\s?#]*)?$", "An issuer is an https:// address without ? and #.")


INVITED_ALREADY = "This address has an open invitation. Send it again, or revoke it."


class SignInPolicy(models.Model):
    """What a tenant demands of its people. Without a row it demands nothing.

    It comes with the memberships of a person (`User.all_memberships`), so that no request has to ask for it.
    """

    tenant = models.OneToOneField(Tenant, on_delete=models.CASCADE, related_name="sign_in_policy")
    second_factor = models.BooleanField(
        "second factor required", default=False, help_text="Whoever has none sets one up after the next sign-in."
    )

    class Meta:
        verbose_name = "sign-in policy"
        verbose_name_plural = "sign-in policies"

    def __str__(self) -> str:
        return f"Sign-in policy of {self.tenant}"


class IdentityProvider(models.Model):
    """Where people of one tenant also sign in (OpenID Connect).

    The issuer and the client id never change: a person is known by a name that only these two give a meaning.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=100)
    issuer = models.CharField(max_length=500, validators=[_ISSUER])
    client_id = models.CharField("client id", max_length=255)
    sealed_secret = models.TextField(editable=False)
    is_active = models.BooleanField("active", default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("name",)
        constraints = (
            models.UniqueConstraint(
                fields=["tenant", "name"],
                name="identity_provider_name",
                violation_error_message="This tenant has an identity provider of this name already.",
            ),
        )

    def __str__(self) -> str:
        return self.name


class Invitation(models.Model):
    """A seat in a tenant for whoever holds the link that was sent to `email`: once, and for some days only."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+")
    email = models.EmailField("e-mail address")
    role = models.CharField(max_length=20, choices=Membership.Role, default=Membership.Role.MEMBER)
    household = models.ForeignKey(Household, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    invited_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, editable=False, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    # Empty until its mail is made; each mail has a link of its own, and ends the one before.
    token_hash = models.CharField(max_length=64, unique=True, null=True, blank=True, editable=False)
    expires_at = models.DateTimeField(null=True, editable=False)
    accepted_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ("-created_at",)
        constraints = (
            models.CheckConstraint(
                condition=Q(role=Membership.Role.RESIDENT, household__isnull=False)
                | (~Q(role=Membership.Role.RESIDENT) & Q(household__isnull=True)),
                name="invitation_household",
                violation_error_message="A resident is invited to a household, and nobody else is.",
            ),
            models.UniqueConstraint(
                "tenant",
                Lower("email"),
                condition=Q(accepted_at__isnull=True),
                name="invitation_open",
                violation_error_message=INVITED_ALREADY,
            ),
        )

    def __str__(self) -> str:
        return self.email

    @property
    def state(self) -> str:
        if self.accepted_at is not None:
            return "accepted"
        if self.expires_at is None:
            return "on its way"
        return "open" if self.expires_at > timezone.now() else "expired"

    def clean(self) -> None:
        """Raises ValidationError, beside the field."""
        if (self.role == Membership.Role.RESIDENT) != (self.household_id is not None):
            raise ValidationError({"household": "A resident is invited to a household, and nobody else is."})
        # The form of a tenant's own people does not ask for the tenant, and offers them no other households.
        if self.household is not None and self.tenant_id not in (None, self.household.tenant_id):
            raise ValidationError({"household": "This household is another tenant's."})
