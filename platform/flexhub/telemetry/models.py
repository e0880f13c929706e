"""Measured values. The table is made by SQL in the first migration, since Django does not know partitions."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from tenants.models import Tenant

QUARTERS_PER_DAY = 96


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


class Rollup(models.Model):
    """Mean power of one link in each quarter hour of a UTC day, in W over all phases; None where nothing was measured.

    Of the same kind as measurements: without foreign keys in the database, and kept for as long.
    """

    pk = models.CompositePrimaryKey("link_id", "day")
    tenant = models.ForeignKey(
        Tenant, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    site_id = models.UUIDField(db_index=True)
    link_id = models.UUIDField()
    day = models.DateField(db_index=True)
    mean_w = ArrayField(models.FloatField(null=True), size=QUARTERS_PER_DAY)
    until = models.DateTimeField(help_text="Up to here the measurements have been looked at.")

    class Meta:
        verbose_name: ClassVar = "quarter-hour means of a day"
        verbose_name_plural: ClassVar = "quarter-hour means"

    def __str__(self) -> str:
        return f"means of {self.link_id} on {self.day}"
