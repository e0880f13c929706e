from django.db import migrations

from tenants.constraints import CompositeReference
from tenants.rls import IN_ANY_SCOPE, RowSecurity

_SITE = {"to": "devices.Site", "to_fields": ["id", "tenant"]}
_NODE = {"to": "devices.Node", "to_fields": ["id", "tenant", "role"]}


class Migration(migrations.Migration):
    dependencies = [("devices", "0001_initial"), ("tenants", "0002_isolation")]

    operations = [
        RowSecurity("Site"),
        RowSecurity("DeviceType", readable=IN_ANY_SCOPE),
        RowSecurity("Device"),
        RowSecurity("Node"),
        RowSecurity("Link"),
        CompositeReference("Device", "device_site_same_tenant", fields=["site", "tenant"], **_SITE),
        CompositeReference("Node", "node_site_same_tenant", fields=["site", "tenant"], **_SITE),
        CompositeReference(
            "Node", "node_device_same_site", fields=["device", "site"], to="devices.Device", to_fields=["id", "site"]
        ),
        CompositeReference("Link", "link_rm_same_tenant", fields=["rm_node", "tenant", "rm_role"], **_NODE),
        CompositeReference("Link", "link_cem_same_tenant", fields=["cem_node", "tenant", "cem_role"], **_NODE),
        CompositeReference(
            "Site", "main_meter_same_site", fields=["main_meter", "id"], to="devices.Node", to_fields=["id", "site"]
        ),
    ]
