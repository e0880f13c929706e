"""Who signs in, and for whom they work."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.contrib.auth.models import AbstractUser, UserManager
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.functional import cached_property

from tenants.models.household import Household
from tenants.models.tenant import Tenant
from tenants.scope import identity_scope, platform_scope


class People(UserManager["User"]):
    """Looks people up and adds them before anybody is signed in, as commands and the sign-in do."""

    use_in_migrations = False

    def get_by_natural_key(self, username: str | None) -> User:
        with identity_scope("find a person by name"):
            return super().get_by_natural_key(username)

    def create_user(
        self, username: str, email: str | None = None, password: str | None = None, **extra_fields: Any
    ) -> User:
        with identity_scope("add a person"):
            return super().create_user(username, email, password, **extra_fields)

    def create_superuser(
        self, username: str, email: str | None = None, password: str | None = None, **extra_fields: Any
    ) -> User:
        from tenants import audit  # It asks for the models of this package.

        # The trail of who belongs to no tenant is the platform's own.
        with platform_scope("add a superuser"):
            user = super().create_superuser(username, email, password, **extra_fields)
            audit.record("tenants.user.created", user, actor=None, after=audit.fields_of(user))
        return user


class User(AbstractUser):
    """A person who signs in. Belongs to no tenant, and acts under one of their memberships at a time.

    `membership` and `tenant` are those of the request, where the middleware has chosen them, and otherwise the first.
    """

    objects: ClassVar[People] = People()

    @cached_property
    def all_memberships(self) -> tuple[Membership, ...]:
        """Of active tenants, the oldest first. Looked up platform-wide: without them there is no scope to open."""
        with platform_scope("find the memberships of a person"):
            found = Membership.objects.filter(user_id=self.pk, tenant__deactivated_at=None)
            return tuple(found.select_related("tenant__sign_in_policy", "household").order_by("pk"))

    @cached_property
    def membership(self) -> Membership | None:
        """What this person acts under now; None for who works for nobody."""
        return next(iter(self.all_memberships), None)

    @property
    def tenant(self) -> Tenant | None:
        """For whom this person acts now."""
        return self.membership.tenant if self.membership else None

    @property
    def household_id(self) -> UUID | None:
        """Of a resident: whose sites they see. None for everyone else."""
        return self.membership.household_id if self.membership else None

    @property
    def sees_all_tenants(self) -> bool:
        """Operators do while they act as such, and who was made with `createsuperuser` to set up the first tenants."""
        return self.is_superuser or (self.tenant is not None and self.tenant.kind == Tenant.Kind.OPERATOR)

    def act_for(self, tenant_id: object) -> None:
        """Act under the membership of this tenant from now on; under the first one where there is none."""
        chosen = (each for each in self.all_memberships if str(each.tenant_id) == str(tenant_id))
        self.membership = next(chosen, next(iter(self.all_memberships), None))

    def keep_to(self, tenant_id: object) -> None:
        """Know of this tenant's membership alone from now on."""
        self.all_memberships = tuple(each for each in self.all_memberships if str(each.tenant_id) == str(tenant_id))

    def forget_memberships(self) -> None:
        """Look them up anew when they are next asked for: there is one more, or one less."""
        for name in ("all_memberships", "membership"):
            self.__dict__.pop(name, None)


class Membership(models.Model):
    """A person works for a tenant, or lives in one of its households. What they may do is in `tenants.roles`."""

    class Role(models.TextChoices):
        ADMIN = "ADMIN", "admin"
        MEMBER = "MEMBER", "member"
        RESIDENT = "RESIDENT", "resident"

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(
        max_length=10,
        choices=Role,
        default=Role.MEMBER,
        db_default=Role.MEMBER,  # Processes of the version before fill what is newer without knowing it.
        help_text="Admins look after people and API clients as well. Residents see the sites of one household.",
    )
    household = models.ForeignKey(
        Household,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="memberships",
        help_text="Of a resident, and of nobody else.",
    )

    class Meta:
        ordering = ("id",)
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user", "tenant"],
                name="one_membership_per_tenant",
                violation_error_message="This person belongs to this tenant already.",
            ),
            models.CheckConstraint(
                condition=Q(role="RESIDENT", household__isnull=False) | (~Q(role="RESIDENT") & Q(household=None)),
                name="residents_have_a_household",
                violation_error_message="A resident belongs to a household, and nobody else does.",
            ),
            models.CheckConstraint(condition=Q(role__in=["ADMIN", "MEMBER", "RESIDENT"]), name="membership_role"),
        ]

    def __str__(self) -> str:
        return f"{self.user} of {self.tenant}"

    def clean(self) -> None:
        """Raises ValidationError for residents of who is no provider, and for another tenant's household."""
        if self.tenant_id is None:
            return
        if self.role == self.Role.RESIDENT and self.tenant.kind != Tenant.Kind.PROVIDER:
            raise ValidationError({"role": "Only a provider has residents."})
        if self.household is not None and self.household.tenant_id != self.tenant_id:
            raise ValidationError({"household": "This household is another tenant's."})
