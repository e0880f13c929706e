"""What lets a manufacturer look at a device that is somebody else's."""

from __future__ import annotations

import uuid
from typing import Self

from django.db import models
from django.db.models.functions import Now

from tenants.models import Tenant


class SupportGrantQuerySet(models.QuerySet["SupportGrant"]):
    def living(self) -> Self:
        """Neither revoked nor over, by the clock of the database, as the policies say it."""
        return self.filter(revoked_at=None, ends_at__gt=Now())


class SupportGrant(models.Model):
    """A device's owner lets the manufacturer of its type look at it until an end date.

    While it lives, policies let the manufacturer read the rows of the device, of its RM node and of that one's link,
    and nothing of the site. It never changes but for being revoked: who wants it to last longer gives another one.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")
    device = models.ForeignKey("devices.Device", on_delete=models.CASCADE, related_name="support_grants")
    manufacturer = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+", editable=False)
    created_at = models.DateTimeField("given at", auto_now_add=True)
    ends_at = models.DateTimeField("ends at")
    revoked_at = models.DateTimeField(null=True, editable=False)

    objects = SupportGrantQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at", "id")
        indexes = (models.Index(fields=["manufacturer", "ends_at"], name="support_by_manufacturer"),)

    def __str__(self) -> str:
        """Without the name that people gave to the device: both sides read this."""
        return f"support for {self.device.device_type} {self.device.serial_number}"
