import uuid

import django.db.models.deletion
from django.db import migrations, models

from tenants.constraints import CompositeReference
from tenants.rls import TENANT_OF_SCOPE, RowSecurity

_GRANTED = f"manufacturer_id = {TENANT_OF_SCOPE} AND revoked_at IS NULL AND ends_at > now()"
# Each follows only what is readable itself, and for whoever was granted nothing ends with the first look at an index.
_DEVICE = f"""
    id IN (SELECT device_id FROM devices_supportgrant WHERE {_GRANTED})
    AND device_type_id IN (SELECT id FROM devices_devicetype WHERE tenant_id = {TENANT_OF_SCOPE})
"""
_NODE = f"""
    device_id IN (
        SELECT device.id FROM devices_supportgrant AS granted JOIN devices_device AS device
        ON device.id = granted.device_id WHERE {_GRANTED}
    )
"""
_LINK = f"""
    rm_node_id IN (
        SELECT node.id FROM devices_supportgrant AS granted JOIN devices_node AS node
        ON node.device_id = granted.device_id WHERE {_GRANTED}
    )
"""


def _readable(table: str, condition: str) -> migrations.RunSQL:
    """A policy for SELECT alone, beside that of the rows' owner."""
    return migrations.RunSQL(
        f"CREATE POLICY support_readable ON {table} FOR SELECT USING ({condition})",
        f"DROP POLICY support_readable ON {table}",
    )


class Migration(migrations.Migration):
    """Support access of manufacturers to single devices."""

    dependencies = [("devices", "0004_device_type_pace"), ("tenants", "0002_isolation")]

    operations = [
        migrations.CreateModel(
            name="SupportGrant",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="given at")),
                ("ends_at", models.DateTimeField(verbose_name="ends at")),
                ("revoked_at", models.DateTimeField(editable=False, null=True)),
                (
                    "device",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="support_grants",
                        to="devices.device",
                    ),
                ),
                (
                    "manufacturer",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tenants.tenant",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="tenants.tenant"
                    ),
                ),
            ],
            options={
                "ordering": ("-created_at", "id"),
                "indexes": [models.Index(fields=["manufacturer", "ends_at"], name="support_by_manufacturer")],
            },
        ),
        migrations.AddConstraint(
            model_name="device",
            constraint=models.UniqueConstraint(fields=("id", "tenant"), name="device_of_tenant"),
        ),
        RowSecurity("SupportGrant", readable=f"manufacturer_id = {TENANT_OF_SCOPE}"),
        CompositeReference(
            "SupportGrant",
            "support_grant_same_tenant",
            fields=["device", "tenant"],
            to="devices.Device",
            to_fields=["id", "tenant"],
        ),
        _readable("devices_device", _DEVICE),
        _readable("devices_node", _NODE),
        _readable("devices_link", _LINK),
    ]
