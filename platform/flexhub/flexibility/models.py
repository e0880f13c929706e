"""Pools of sites: what an aggregator sees as one. Never a single home."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models

from flexhub.devices.models import Site
from tenants.models import Tenant


class Pool(models.Model):
    """Belongs to an aggregator; its sites belong to providers."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="pools", help_text="The aggregator.")
    name = models.CharField(max_length=100)

    class Meta:
        ordering = ("name",)
        constraints: ClassVar = [models.UniqueConstraint(fields=["tenant", "name"], name="pool_name")]

    def __str__(self) -> str:
        return self.name


class Enrolment(models.Model):
    """A site's membership of a pool. The row is the site owner's: the aggregator counts on it without seeing it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+", help_text="The site's provider.")
    pool = models.ForeignKey(Pool, on_delete=models.CASCADE, related_name="enrolments")
    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="enrolments")

    class Meta:
        constraints: ClassVar = [
            # A site's flexibility can be sold once.
            models.UniqueConstraint(fields=["site"], name="site_in_one_pool"),
        ]

    def __str__(self) -> str:
        """Without the pool's name, which its aggregator alone may see."""
        return f"{self.site} in pool {self.pool_id}"
