from django.db import migrations

from tenants.trail_functions import create_functions, drop_functions


class Migration(migrations.Migration):
    """Blanking what an erased household left in the trail, and forgetting what is old; and nobody truncates it."""

    dependencies = [("tenants", "0004_audit_indexes")]

    operations = [migrations.RunPython(create_functions, drop_functions)]
