import django.db.models.deletion
from django.db import migrations, models

from tenants.constraints import CompositeReference
from tenants.rls import HOUSEHOLD_OF_SCOPE, OF_VISIBLE_SITE, HouseholdSecurity


class Migration(migrations.Migration):
    """Sites of households, and what these see of the registry."""

    dependencies = [("devices", "0005_support_grant"), ("tenants", "0011_household_isolation")]

    operations = [
        migrations.AddField(
            model_name="site",
            name="household",
            field=models.ForeignKey(
                blank=True,
                help_text="Whose residents see this site. Empty: the provider alone does.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="sites",
                to="tenants.household",
            ),
        ),
        CompositeReference(
            "Site",
            "site_household_same_tenant",
            fields=["household", "tenant"],
            to="tenants.Household",
            to_fields=["id", "tenant"],
        ),
        HouseholdSecurity("Site", visible=f"household_id = {HOUSEHOLD_OF_SCOPE}"),
        HouseholdSecurity("DeviceType", visible="true"),
        HouseholdSecurity("SupportGrant"),
        HouseholdSecurity("Device", visible=OF_VISIBLE_SITE),
        HouseholdSecurity("Node", visible=OF_VISIBLE_SITE),
        HouseholdSecurity("Link", visible="rm_node_id IN (SELECT id FROM devices_node)"),
    ]
