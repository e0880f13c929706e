from django.db import migrations

from tenants.constraints import AppendOnly
from tenants.rls import RowSecurity


class Migration(migrations.Migration):
    dependencies = [("tenants", "0001_initial")]

    operations = [
        RowSecurity("Tenant", column="id"),
        RowSecurity("Membership"),
        RowSecurity("APIClient"),
        RowSecurity("AuditEntry"),
        AppendOnly("AuditEntry"),
    ]
