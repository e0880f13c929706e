from django.db import migrations

from tenants.constraints import CompositeReference
from tenants.rls import RowSecurity


class Migration(migrations.Migration):
    dependencies = [("pairing", "0001_initial"), ("devices", "0002_isolation")]

    operations = [
        RowSecurity("NodeToken"),
        CompositeReference(
            "NodeToken",
            "token_node_same_tenant",
            fields=["node", "tenant"],
            to="devices.Node",
            to_fields=["id", "tenant"],
        ),
    ]
