import django.db.models.deletion
from django.db import migrations, models

from flexhub.telemetry import partitions
from tenants.rls import RowSecurity


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("tenants", "0001_initial"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(partitions.CREATE_TABLE, f"DROP TABLE {partitions.TABLE}"),
            ],
            state_operations=[
                migrations.CreateModel(
                    name="Measurement",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "link_id",
                                "quantity",
                                "at",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("site_id", models.UUIDField()),
                        ("link_id", models.UUIDField()),
                        ("quantity", models.CharField(help_text="Such as ELECTRIC.POWER.L1.", max_length=64)),
                        (
                            "at",
                            models.DateTimeField(help_text="When it was measured, by the device's own statement."),
                        ),
                        ("value", models.FloatField()),
                        (
                            "tenant",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                to="tenants.tenant",
                            ),
                        ),
                    ],
                ),
            ],
        ),
        RowSecurity("Measurement"),
        migrations.RunPython(partitions.create_functions, partitions.drop_functions),
    ]
