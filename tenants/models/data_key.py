"""Keys that seal the secrets of one tenant."""

from __future__ import annotations

import uuid

from django.db import models

from tenants.models.tenant import Tenant


class DataKeyQuerySet(models.QuerySet["DataKey"]):
    def of(self, tenant_id: uuid.UUID | None) -> DataKeyQuerySet:
        """Those of a tenant, or of the platform."""
        return self.filter(tenant__isnull=True) if tenant_id is None else self.filter(tenant_id=tenant_id)


class DataKey(models.Model):
    """A data key, wrapped; without a tenant it is the platform's. New texts are sealed with the one not retired."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, null=True, related_name="+")
    wrapped = models.CharField(max_length=200, help_text="says which key-encryption key opens it")
    created_at = models.DateTimeField(auto_now_add=True)
    retired_at = models.DateTimeField(null=True, help_text="since when it only opens what it has sealed")

    objects = DataKeyQuerySet.as_manager()

    class Meta:
        ordering = ("created_at", "id")
        constraints = (
            # The platform's is one tenant's as well: here NULL equals NULL.
            models.UniqueConstraint(
                fields=["tenant"],
                condition=models.Q(retired_at=None),
                nulls_distinct=False,
                name="one_data_key_for_new_texts",
            ),
        )

    def __str__(self) -> str:
        return f"data key {self.pk.hex[:8]}"
