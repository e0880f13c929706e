from django.db import migrations

from tenants.constraints import CompositeReference
from tenants.rls import IN_IDENTITY_OR_PLATFORM_SCOPE, RowSecurity

# What allauth keeps of people: how they sign in concerns them alone, and no tenant's scope shows it.
_OF_PEOPLE = (
    "account.EmailAddress",
    "account.EmailConfirmation",
    "mfa.Authenticator",
    "socialaccount.SocialAccount",
    "socialaccount.SocialToken",
)


class Migration(migrations.Migration):
    dependencies = [
        ("signin", "0001_initial"),
        ("tenants", "0011_household_isolation"),
        ("account", "0009_emailaddress_unique_primary_email"),
        ("mfa", "0003_authenticator_type_uniq"),
        ("socialaccount", "0006_alter_socialaccount_extra_data"),
    ]

    operations = [
        CompositeReference(
            "Invitation",
            "invitation_household_same_tenant",
            fields=["household", "tenant"],
            to="tenants.Household",
            to_fields=["id", "tenant"],
        ),
        RowSecurity("IdentityProvider"),
        RowSecurity("Invitation"),
        RowSecurity("SignInPolicy"),
        *(RowSecurity(model, using=IN_IDENTITY_OR_PLATFORM_SCOPE) for model in _OF_PEOPLE),
    ]
