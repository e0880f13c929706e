"""A provider's customers."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.core.exceptions import ValidationError
from django.db import models

from tenants.models.tenant import Tenant


class Household(models.Model):
    """A customer of a provider: some of its sites, and the people who live there and see nothing else."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="households", help_text="The provider.")
    name = models.CharField(max_length=100)

    class Meta:
        ordering = ("name",)
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant", "name"],
                name="household_name",
                violation_error_message="This tenant has a household of this name already.",
            ),
            # Referred to by sites and memberships, so that they cannot name another tenant's household.
            models.UniqueConstraint(fields=["id", "tenant"], name="household_of_tenant"),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Raises ValidationError for who is no provider."""
        tenant = getattr(self, "tenant", None)  # The form of a provider's own people does not ask for it.
        if tenant is not None and tenant.kind != Tenant.Kind.PROVIDER:
            raise ValidationError("Only a provider has households.")
