"""How long a tenant wants things kept, where that is not as long as the hub keeps them for all."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from tenants.models.tenant import Tenant
from tenants.trail_functions import LEAST_DAYS

#: What the hub keeps for everybody: the hosted CEM's plan runs and instructions, and the conversations in Redis.
MOST_PLAN_DAYS = 7
MOST_CONVERSATION_DAYS = 7
#: Longer than any law asks for, and short enough to be a date.
MOST_AUDIT_DAYS = 36_500


def validate_telemetry_days(days: int) -> None:
    """Raises ValidationError for more than the hub keeps for anybody."""
    if days > settings.TELEMETRY_RETENTION_DAYS:
        raise ValidationError("The hub keeps %(most)s days.", params={"most": settings.TELEMETRY_RETENTION_DAYS})


class Retention(models.Model):
    """All in days; empty is what the hub does for everybody. What is older is deleted within the day."""

    tenant = models.OneToOneField(Tenant, on_delete=models.PROTECT, primary_key=True, related_name="retention")
    telemetry_days = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1), validate_telemetry_days], help_text="Measurements."
    )
    plan_days = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_PLAN_DAYS)],
        help_text="Plan runs.",
    )
    instruction_days = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_PLAN_DAYS)],
        help_text="The ledger of instructions.",
    )
    conversation_days = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_CONVERSATION_DAYS)],
        help_text="The last messages of links whose session has ended.",
    )
    audit_days = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(LEAST_DAYS), MaxValueValidator(MOST_AUDIT_DAYS)],
        help_text="The audit trail. Empty: for ever.",
    )
    telemetry_cleared_before = models.DateField(
        null=True, editable=False, help_text="the first day of which measurements are left, as far as we have deleted"
    )

    class Meta:
        verbose_name_plural = "retention"
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(audit_days__gte=LEAST_DAYS), name="retention_of_audit_least"),
        ]

    def __str__(self) -> str:
        return f"retention of {self.tenant}"
