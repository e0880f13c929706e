import django.core.validators
import django.db.models.deletion
import tenants.models.retention
from django.db import migrations, models

from tenants.rls import RowSecurity


class Migration(migrations.Migration):
    """How long a tenant wants things kept."""

    dependencies = [
        ("tenants", "0006_api_client_secrets"),
    ]

    operations = [
        migrations.CreateModel(
            name="Retention",
            fields=[
                (
                    "tenant",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="retention",
                        serialize=False,
                        to="tenants.tenant",
                    ),
                ),
                (
                    "telemetry_days",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Measurements.",
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            tenants.models.retention.validate_telemetry_days,
                        ],
                    ),
                ),
                (
                    "plan_days",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Plan runs.",
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(7),
                        ],
                    ),
                ),
                (
                    "instruction_days",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="The ledger of instructions.",
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(7),
                        ],
                    ),
                ),
                (
                    "conversation_days",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="The last messages of links whose session has ended.",
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(7),
                        ],
                    ),
                ),
                (
                    "audit_days",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="The audit trail. Empty: for ever.",
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(365),
                            django.core.validators.MaxValueValidator(36500),
                        ],
                    ),
                ),
                (
                    "telemetry_cleared_before",
                    models.DateField(
                        editable=False,
                        help_text="the first day of which measurements are left, as far as we have deleted",
                        null=True,
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "retention",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("audit_days__gte", 365)), name="retention_of_audit_least"
                    )
                ],
            },
        ),
        RowSecurity("Retention"),
    ]
