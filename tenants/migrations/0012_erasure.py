import uuid

import django.db.models.deletion
from django.db import migrations, models

from tenants.rls import RowSecurity


class Migration(migrations.Migration):
    """Households on their way out."""

    dependencies = [("tenants", "0011_household_isolation")]

    operations = [
        migrations.CreateModel(
            name="Erasure",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("household_id", models.UUIDField(editable=False)),
                (
                    "things",
                    models.JSONField(
                        default=dict, editable=False, help_text="what it is about, by id; empty when it is done"
                    ),
                ),
                ("requested_at", models.DateTimeField(editable=False)),
                (
                    "quiet_since",
                    models.DateTimeField(
                        editable=False,
                        help_text="since when nobody who was shut out is there any more",
                        null=True,
                    ),
                ),
                ("finished_at", models.DateTimeField(editable=False, null=True)),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="tenants.tenant"
                    ),
                ),
            ],
            options={
                "ordering": ("-requested_at",),
                "constraints": [
                    models.UniqueConstraint(fields=("household_id",), name="one_erasure_per_household"),
                ],
            },
        ),
        RowSecurity("Erasure"),
    ]
