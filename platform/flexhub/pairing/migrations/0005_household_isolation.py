from django.db import migrations

from tenants.rls import HouseholdSecurity


class Migration(migrations.Migration):
    """Households see none of these."""

    dependencies = [("pairing", "0004_token_ends"), ("tenants", "0011_household_isolation")]

    operations = [
        HouseholdSecurity("NodeToken"),
        HouseholdSecurity("DialledEnd"),
    ]
