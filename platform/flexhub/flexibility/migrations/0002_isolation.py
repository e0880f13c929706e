from django.db import migrations

from tenants.constraints import CompositeReference
from tenants.rls import RowSecurity


class Migration(migrations.Migration):
    dependencies = [("flexibility", "0001_initial"), ("devices", "0002_isolation"), ("tenants", "0002_isolation")]

    operations = [
        RowSecurity("Pool"),
        RowSecurity("Enrolment"),
        CompositeReference(
            "Enrolment",
            "enrolment_site_same_tenant",
            fields=["site", "tenant"],
            to="devices.Site",
            to_fields=["id", "tenant"],
        ),
    ]
