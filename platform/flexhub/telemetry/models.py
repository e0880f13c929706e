"""Measured values. The table is made by SQL in the first migration, since Django does not know partitions."""

from __future__ import annotations

from django.db import models

from tenants.models import Tenant


class Measurement(models.Model):
    """One value of one quantity of one link at one moment, in the unit of its S2 CommodityQuantity.

    Power is in W, positive = consumption. Without foreign keys in the database: rows come by the thousand, are never
    changed, and outlive the device they speak of until their day is dropped.
    """

    pk = models.CompositePrimaryKey("link_id", "quantity", "at")
    tenant = models.ForeignKey(
        Tenant, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    site_id = models.UUIDField()
    link_id = models.UUIDField()
    quantity = models.CharField(max_length=64, help_text="Such as ELECTRIC.POWER.L1.")
    at = models.DateTimeField(help_text="When it was measured, by the device's own statement.")
    value = models.FloatField()

    def __str__(self) -> str:
        return f"{self.quantity} {self.value} at {self.at.isoformat()}"
