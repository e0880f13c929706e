"""Who owns what: tenants, their members and API clients, and the trail of what was changed."""

from __future__ import annotations

import uuid

from django.contrib.auth.models import AbstractUser
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils.functional import cached_property

from tenants.scope import platform_scope


class Tenant(models.Model):
    """An organisation. Rows that carry its id are seen by its own people and by operators, enforced by PostgreSQL."""

    class Kind(models.TextChoices):
        OPERATOR = "OPERATOR", "operator"
        PROVIDER = "PROVIDER", "provider"
        MANUFACTURER = "MANUFACTURER", "manufacturer"
        AGGREGATOR = "AGGREGATOR", "aggregator"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=100, unique=True)
    kind = models.CharField(max_length=20, choices=Kind)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


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


class APIClient(models.Model):
    """A program of a tenant that calls the REST API with a bearer token."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="api_clients")
    name = models.CharField(max_length=100)
    token_hash = models.CharField(max_length=64, unique=True, null=True, blank=True, editable=False)
    is_active = models.BooleanField("active", default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "API client"
        ordering = ("name",)
        constraints = (
            models.UniqueConstraint(
                fields=["tenant", "name"],
                name="api_client_name",
                violation_error_message="This tenant has a client of this name already.",
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def is_authenticated(self) -> bool:
        """What the REST framework asks of whoever makes a request; a client object exists only once it is known."""
        return True


class AuditEntry(models.Model):
    """Who changed what. Append-only in the database; holds names as text, so that it outlives users and rows."""

    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    action = models.CharField(max_length=100)
    object_type = models.CharField(max_length=100)
    object_id = models.CharField(max_length=64)
    object_name = models.CharField(max_length=200)
    actor_type = models.CharField(max_length=100)
    actor_id = models.CharField(max_length=64, blank=True)
    actor_name = models.CharField(max_length=200, blank=True)
    before = models.JSONField(null=True, encoder=DjangoJSONEncoder)
    after = models.JSONField(null=True, encoder=DjangoJSONEncoder)

    class Meta:
        verbose_name_plural = "audit entries"
        ordering = ("-id",)
        indexes = (
            models.Index(fields=["tenant", "-at"], name="audit_by_tenant"),
            models.Index(fields=["object_type", "object_id"], name="audit_by_object"),
        )

    def __str__(self) -> str:
        return f"{self.action} {self.object_name}"
