"""Programs that call the REST API."""

from __future__ import annotations

import uuid

from django.db import models

from tenants.models.tenant import Tenant


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
