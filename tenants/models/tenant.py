"""Organisations."""

from __future__ import annotations

import uuid

from django.db import models


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
    deactivated_at = models.DateTimeField(
        "deactivated",
        null=True,
        editable=False,
        help_text="Since then nobody acts for it, and its programs and devices are refused. Empty: it is active.",
    )

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    @property
    def is_active(self) -> bool:
        return self.deactivated_at is None
