import uuid

import django.db.models.deletion
from django.db import migrations, models

from tenants.constraints import CompositeReference
from tenants.rls import TENANT_OF_SCOPE, RowSecurity

# What the policies ask. Functions, because sub-selects would be planned anew with each query that touches one of the
# tables, and with the policies of what they select from; these run when a row is not the tenant's own, once a query. They
# have the rights of whoever asks, and so what they read is under its policies as well. Where there is nothing they say
# NULL, with which a row is compared in no time.
_FUNCTIONS = f"""
CREATE FUNCTION devices_under_support() RETURNS uuid[] STABLE LANGUAGE sql BEGIN ATOMIC
    SELECT array_agg(device_id) FROM devices_supportgrant
    WHERE manufacturer_id = {TENANT_OF_SCOPE} AND revoked_at IS NULL AND ends_at > now();
END;
CREATE FUNCTION nodes_under_support() RETURNS uuid[] STABLE LANGUAGE sql BEGIN ATOMIC
    SELECT array_agg(id) FROM devices_node WHERE device_id = ANY (devices_under_support());
END;
"""
_NO_FUNCTIONS = "DROP FUNCTION nodes_under_support(); DROP FUNCTION devices_under_support();"

# A grant is to the maker of what the device was: it ends when the device turns out to be something else.
_END_WITH_TYPE = """
CREATE FUNCTION devices_end_support() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE devices_supportgrant SET revoked_at = now() WHERE device_id = NEW.id AND revoked_at IS NULL;
    RETURN NULL;
END $$;
CREATE TRIGGER end_support AFTER UPDATE OF device_type_id ON devices_device
    FOR EACH ROW WHEN (OLD.device_type_id <> NEW.device_type_id) EXECUTE FUNCTION devices_end_support();
"""
_OUTLIVE_TYPE = "DROP TRIGGER end_support ON devices_device; DROP FUNCTION devices_end_support();"


def _readable(table: str, column: str, granted: str) -> migrations.RunSQL:
    """A policy for SELECT alone, beside that of the rows' owner."""
    return migrations.RunSQL(
        f"CREATE POLICY support_readable ON {table} FOR SELECT USING ({column} = ANY ((SELECT {granted}())::uuid[]))",
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
        migrations.RunSQL(_FUNCTIONS, _NO_FUNCTIONS),
        migrations.RunSQL(_END_WITH_TYPE, _OUTLIVE_TYPE),
        _readable("devices_device", "id", "devices_under_support"),
        _readable("devices_node", "device_id", "devices_under_support"),
        _readable("devices_link", "rm_node_id", "nodes_under_support"),
    ]
