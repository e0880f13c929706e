import django.db.models.deletion
from django.core.validators import MaxValueValidator
from django.db import migrations, models

from tenants.rls import IN_PLATFORM_SCOPE, RowSecurity, owned_by_scope


def _number(help_text, verbose_name=None):
    return models.PositiveIntegerField(
        blank=True,
        help_text=help_text,
        null=True,
        validators=[MaxValueValidator(1000000000)],
        verbose_name=verbose_name,
    )


class Migration(migrations.Migration):
    dependencies = [("tenants", "0008_data_key")]

    operations = [
        migrations.CreateModel(
            name="Quota",
            fields=[
                (
                    "tenant",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="quota",
                        serialize=False,
                        to="tenants.tenant",
                    ),
                ),
                ("sites", _number("Buildings.")),
                ("devices", _number("Each with its RM node.")),
                (
                    "cem_nodes",
                    _number("Those that connect to the hub; a site's hosted CEM is not counted.", "CEM nodes"),
                ),
                ("device_types", _number("Products of a manufacturer.")),
                ("members", _number("People.")),
                ("api_clients", _number("Programs that call the REST API.", "API clients")),
                (
                    "sessions",
                    _number(
                        "S2 sessions at the same time. A relayed link has two, and so has a house link."
                    ),
                ),
                (
                    "messages_per_s",
                    _number(
                        "All sessions together, in the long run; ten seconds' worth may come at once. "
                        "Verdicts do not count.",
                        "messages a second",
                    ),
                ),
                ("api_calls_per_min", _number("All API clients together.", "API calls a minute")),
            ],
        ),
        # The tenant reads its row, and only operators write it.
        RowSecurity("Quota", using=IN_PLATFORM_SCOPE, readable=owned_by_scope()),
    ]
