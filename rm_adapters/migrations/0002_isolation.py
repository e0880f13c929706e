from django.db import migrations

from tenants.constraints import CompositeReference
from tenants.rls import RowSecurity


class Migration(migrations.Migration):
    dependencies = [("rm_adapters", "0001_initial"), ("devices", "0002_isolation"), ("tenants", "0002_isolation")]

    operations = [
        RowSecurity("VendorAccount"),
        RowSecurity("HostedRM"),
        CompositeReference(
            "HostedRM",
            "hosted_rm_node_same_tenant",
            fields=["node", "tenant", "node_role"],
            to="devices.Node",
            to_fields=["id", "tenant", "role"],
        ),
        CompositeReference(
            "HostedRM",
            "hosted_rm_account_same_tenant",
            fields=["account", "tenant"],
            to="rm_adapters.VendorAccount",
            to_fields=["id", "tenant"],
        ),
    ]
