from django.db import migrations

from tenants.rls import RowSecurity


class Migration(migrations.Migration):
    """allauth's table for clients of providers, with secrets in the clear. Ours are `IdentityProvider`."""

    dependencies = [
        ("signin", "0002_isolation"),
        ("socialaccount", "0006_alter_socialaccount_extra_data"),
    ]

    operations = [RowSecurity("socialaccount.SocialApp", using="false")]
