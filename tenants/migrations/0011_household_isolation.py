from django.db import migrations

from tenants.constraints import CompositeReference
from tenants.rls import HOUSEHOLD_OF_SCOPE, IN_IDENTITY_OR_PLATFORM_SCOPE, HouseholdSecurity, RowSecurity

_OWN_HOUSEHOLD = f"household_id = {HOUSEHOLD_OF_SCOPE}"


class Migration(migrations.Migration):
    """What households see of tenants' rows, and people under row-level security as well.

    A tenant reads who its people are. They and what Django keeps of them are written in the identity scope alone.
    """

    dependencies = [
        ("tenants", "0010_households"),
        ("admin", "0003_logentry_add_action_flag_choices"),
    ]

    operations = [
        CompositeReference(
            "Membership",
            "membership_household_same_tenant",
            fields=["household", "tenant"],
            to="tenants.Household",
            to_fields=["id", "tenant"],
        ),
        RowSecurity("Household", household=f"id = {HOUSEHOLD_OF_SCOPE}"),
        HouseholdSecurity("Tenant", visible="true"),
        HouseholdSecurity("Membership", visible=_OWN_HOUSEHOLD),
        HouseholdSecurity("APIClient"),
        HouseholdSecurity("DataKey"),
        # Asked about, and remembered for others, whoever the request is from.
        HouseholdSecurity("Quota", visible="true"),
        HouseholdSecurity("Retention"),
        HouseholdSecurity("APIClientSecret"),
        HouseholdSecurity("APIAccessToken"),
        # A resident's own changes leave their rows like everybody's.
        HouseholdSecurity("AuditEntry", visible=_OWN_HOUSEHOLD, writable=_OWN_HOUSEHOLD),
        RowSecurity(
            "User",
            using=IN_IDENTITY_OR_PLATFORM_SCOPE,
            readable="id IN (SELECT user_id FROM tenants_membership)",
            household="true",
        ),
        RowSecurity("User_groups", using=IN_IDENTITY_OR_PLATFORM_SCOPE),
        RowSecurity("User_user_permissions", using=IN_IDENTITY_OR_PLATFORM_SCOPE),
        RowSecurity("admin.LogEntry", using=IN_IDENTITY_OR_PLATFORM_SCOPE),
    ]
