"""Who signs in, and for whom they work."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.functional import cached_property

from tenants.models.tenant import Tenant
from tenants.scope import platform_scope


class User(AbstractUser):
    """A person who signs in. Belongs to the platform and not to a tenant: it is looked up before any scope is open."""

    @cached_property
    def tenant(self) -> Tenant | None:
        """The tenant this person works for, or None. Looked up platform-wide: without it there is no scope to open."""
        with platform_scope("find the tenant of a user"):
            return Tenant.objects.filter(memberships__user_id=self.pk).first()

    @property
    def sees_all_tenants(self) -> bool:
        """Operators do, and so does who was made with `createsuperuser` to set up the first tenants."""
        return self.is_superuser or (self.tenant is not None and self.tenant.kind == Tenant.Kind.OPERATOR)


class Membership(models.Model):
    """A user works for one tenant. Who works for two signs in with two names, so that each change has one owner."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="membership")
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="memberships")

    def __str__(self) -> str:
        return f"{self.user} of {self.tenant}"
