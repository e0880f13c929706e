from django.db import migrations

from flexhub.telemetry import partitions
from tenants.rls import OF_VISIBLE_SITE, HouseholdSecurity


class Migration(migrations.Migration):
    """A household sees what was measured at its sites, in the partitions to come and in those that are there."""

    dependencies = [("telemetry", "0001_initial"), ("devices", "0006_household")]

    operations = [
        HouseholdSecurity("Measurement", visible=OF_VISIBLE_SITE),
        migrations.RunPython(partitions.create_functions, migrations.RunPython.noop),
        migrations.RunPython(partitions.narrow_for_households, partitions.widen_for_households),
    ]
