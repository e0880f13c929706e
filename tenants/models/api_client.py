"""Programs that call the REST API, and what they show to be let in."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from tenants.models.tenant import Tenant

_FINGERPRINT_CHARACTERS = 8


class APIClient(models.Model):
    """A program of a tenant that calls the REST API. Its id is what OAuth2 calls the client identifier."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="api_clients")
    name = models.CharField(max_length=100)
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
            # What secrets and access tokens refer to.
            models.UniqueConstraint(fields=["id", "tenant"], name="api_client_tenant"),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def is_authenticated(self) -> bool:
        """What the REST framework asks of whoever makes a request; a client object exists only once it is known."""
        return True

    @property
    def client_id(self) -> str:
        """By this name oauthlib asks for it."""
        return str(self.pk)


class APIClientSecretQuerySet(models.QuerySet["APIClientSecret"]):
    def valid(self, now: datetime) -> Self:
        """Those with which a client may ask for an access token."""
        on = {"client__is_active": True, "tenant__deactivated_at": None}
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=now), revoked_at=None, **on)


class APIClientSecret(models.Model):
    """What a client shows for an access token. Several may be valid at once, so that it can change over without a gap.

    `expires_at` is None for a secret that nothing has replaced yet. What ended a secret at once is in `revoked_at`: a
    state and not a time to compare with, since the clocks of two processes never agree.
    """

    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")
    client = models.ForeignKey(APIClient, on_delete=models.CASCADE, related_name="secrets")
    secret_hash = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField("ends", null=True, editable=False)
    revoked_at = models.DateTimeField("revoked", null=True, editable=False)
    last_used_at = models.DateTimeField("last used", null=True, editable=False)

    objects: ClassVar = APIClientSecretQuerySet.as_manager()

    class Meta:
        verbose_name = "API client secret"
        ordering = ("-created_at", "-id")
        # What access tokens refer to.
        constraints = (models.UniqueConstraint(fields=["id", "client", "tenant"], name="api_secret_client"),)

    def __str__(self) -> str:
        return f"secret {self.fingerprint} of {self.client}"

    @property
    def fingerprint(self) -> str:
        """Enough to tell two secrets apart, too little to search for."""
        return f"{self.secret_hash[:_FINGERPRINT_CHARACTERS]}…"

    def state(self, now: datetime) -> str:
        """In a word, for people. Whether the client is active is another matter."""
        if self.revoked_at is not None:
            return "revoked"
        if self.expires_at is None:
            return "valid"
        return "ended" if self.expires_at <= now else "ending"


class APIAccessToken(models.Model):
    """What a client calls the API with for some minutes. Deleted when it is revoked, and soon after it has expired."""

    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")
    client = models.ForeignKey(APIClient, on_delete=models.CASCADE, related_name="access_tokens")
    secret = models.ForeignKey(APIClientSecret, on_delete=models.CASCADE, related_name="access_tokens")
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    scopes = ArrayField(models.CharField(max_length=100))
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(db_index=True)

    # Too many and too short-lived for a row of the trail each.
    written_by_system: ClassVar[bool] = True

    class Meta:
        verbose_name = "API access token"

    def __str__(self) -> str:
        return f"access token {self.token_hash[:_FINGERPRINT_CHARACTERS]}… of {self.client}"
