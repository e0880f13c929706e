from django.db import migrations

from tenants.rls import OF_VISIBLE_SITE, HouseholdSecurity


class Migration(migrations.Migration):
    """A household sees what is done at its sites and says what for; a tariff is the provider's price list."""

    dependencies = [("cem_service", "0003_replaced"), ("devices", "0006_household")]

    operations = [
        HouseholdSecurity("Tariff", visible="true"),
        HouseholdSecurity("SiteObjectives", visible=OF_VISIBLE_SITE, writable=OF_VISIBLE_SITE),
        HouseholdSecurity("PlanRun", visible=OF_VISIBLE_SITE),
        HouseholdSecurity("Instruction", visible=OF_VISIBLE_SITE),
    ]
