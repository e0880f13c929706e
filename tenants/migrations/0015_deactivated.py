from django.db import migrations, models


class Migration(migrations.Migration):
    """Tenants can be turned off. Processes of the version before go on letting theirs in until they end."""

    dependencies = [("tenants", "0014_quota_feeds")]

    operations = [
        migrations.AddField(
            model_name="tenant",
            name="deactivated_at",
            field=models.DateTimeField(
                editable=False,
                help_text="Since then nobody acts for it, and its programs and devices are refused. Empty: it is active.",
                null=True,
                verbose_name="deactivated",
            ),
        ),
    ]
