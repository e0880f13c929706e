import django.db.models.deletion
import uuid
from django.db import migrations, models

from tenants.rls import RowSecurity


class Migration(migrations.Migration):
    dependencies = [("tenants", "0007_retention")]

    operations = [
        migrations.CreateModel(
            name="DataKey",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "wrapped",
                    models.CharField(help_text="says which key-encryption key opens it", max_length=200),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "retired_at",
                    models.DateTimeField(help_text="since when it only opens what it has sealed", null=True),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tenants.tenant",
                    ),
                ),
            ],
            options={
                "ordering": ("created_at", "id"),
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("retired_at", None)),
                        fields=("tenant",),
                        name="one_data_key_for_new_texts",
                        nulls_distinct=False,
                    )
                ],
            },
        ),
        RowSecurity("DataKey"),
    ]
