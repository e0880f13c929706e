from django.db import migrations

from flexhub.telemetry import partitions


class Migration(migrations.Migration):
    """The function that drops old days refuses recent ones."""

    dependencies = [("telemetry", "0002_household_isolation")]

    operations = [migrations.RunPython(partitions.create_functions, migrations.RunPython.noop)]
