from django.db import migrations

from tenants.constraints import CompositeReference
from tenants.rls import RowSecurity


class Migration(migrations.Migration):
    dependencies = [("simulator", "0001_initial"), ("rm_adapters", "0002_isolation"), ("tenants", "0002_isolation")]

    operations = [
        RowSecurity("SimulatedMachine"),
        CompositeReference(
            "SimulatedMachine",
            "simulated_machine_account_same_tenant",
            fields=["account", "tenant"],
            to="rm_adapters.VendorAccount",
            to_fields=["id", "tenant"],
        ),
    ]
