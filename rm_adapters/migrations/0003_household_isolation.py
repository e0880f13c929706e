from django.db import migrations

from tenants.rls import HouseholdSecurity


class Migration(migrations.Migration):
    """Households see none of these."""

    dependencies = [("rm_adapters", "0002_isolation"), ("tenants", "0011_household_isolation")]

    operations = [
        HouseholdSecurity("VendorAccount"),
        HouseholdSecurity("HostedRM"),
    ]
