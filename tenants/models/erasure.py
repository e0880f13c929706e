"""Households that are being erased, or were."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models

from tenants.models.tenant import Tenant


class Erasure(models.Model):
    """One household's way out (`tenants.privacy.erasure`). Without a foreign key to it: the row outlives it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")
    household_id = models.UUIDField(editable=False)
    things = models.JSONField(default=dict, editable=False, help_text="what it is about, by id; empty when it is done")
    requested_at = models.DateTimeField(editable=False)
    quiet_since = models.DateTimeField(
        null=True, editable=False, help_text="since when nobody who was shut out is there any more"
    )
    finished_at = models.DateTimeField(null=True, editable=False)

    written_by_system: ClassVar[bool] = True

    class Meta:
        ordering = ("-requested_at",)
        constraints: ClassVar = [models.UniqueConstraint(fields=["household_id"], name="one_erasure_per_household")]

    def __str__(self) -> str:
        return f"erasure of household {self.household_id}"
