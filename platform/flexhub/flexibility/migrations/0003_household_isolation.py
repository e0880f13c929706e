from django.db import migrations

from tenants.rls import HouseholdSecurity


class Migration(migrations.Migration):
    """Households see none of these."""

    dependencies = [("flexibility", "0002_isolation"), ("tenants", "0011_household_isolation")]

    operations = [
        HouseholdSecurity("Pool"),
        HouseholdSecurity("Enrolment"),
    ]
