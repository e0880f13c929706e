from django.db import migrations

from tenants.constraints import CompositeReference
from tenants.rls import RowSecurity

_SITE = {"to": "devices.Site", "to_fields": ["id", "tenant"]}
_TARIFF = {"to": "cem_service.Tariff", "to_fields": ["id", "tenant"]}


class Migration(migrations.Migration):
    dependencies = [("cem_service", "0001_initial"), ("devices", "0002_isolation"), ("tenants", "0002_isolation")]

    operations = [
        RowSecurity("Tariff"),
        RowSecurity("SiteObjectives"),
        RowSecurity("PlanRun"),
        RowSecurity("Instruction"),
        CompositeReference("SiteObjectives", "objectives_site_same_tenant", fields=["site", "tenant"], **_SITE),
        CompositeReference("SiteObjectives", "objectives_tariff_same_tenant", fields=["tariff", "tenant"], **_TARIFF),
        CompositeReference("PlanRun", "plan_run_site_same_tenant", fields=["site", "tenant"], **_SITE),
        CompositeReference("Instruction", "instruction_site_same_tenant", fields=["site", "tenant"], **_SITE),
    ]
