import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

from tenants.rls import OF_VISIBLE_SITE, RowSecurity


class Migration(migrations.Migration):
    """Additive: an empty table, which fills as sites are planned for."""

    dependencies = [("telemetry", "0003_recent_days_stay"), ("devices", "0006_household")]

    operations = [
        migrations.CreateModel(
            name="Rollup",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "link_id", "day", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("site_id", models.UUIDField(db_index=True)),
                ("link_id", models.UUIDField()),
                ("day", models.DateField(db_index=True)),
                (
                    "mean_w",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.FloatField(null=True), size=96
                    ),
                ),
                ("until", models.DateTimeField(help_text="Up to here the measurements have been looked at.")),
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
            options={
                "verbose_name": "quarter-hour means of a day",
                "verbose_name_plural": "quarter-hour means",
            },
        ),
        RowSecurity("Rollup", household=OF_VISIBLE_SITE),
    ]
