from django.db import migrations, models


class Migration(migrations.Migration):
    """From where. Without a rewrite of the table, and so that processes of the version before go on adding rows."""

    dependencies = [("tenants", "0002_isolation")]

    operations = [
        migrations.AddField(
            model_name="auditentry",
            name="via",
            field=models.CharField(
                blank=True,
                choices=[
                    ("admin", "admin"),
                    ("web", "web"),
                    ("api", "api"),
                    ("gateway", "gateway"),
                    ("task", "task"),
                    ("command", "command"),
                ],
                db_default="",
                help_text="Which way it came in.",
                max_length=10,
            ),
        ),
        migrations.AddField(
            model_name="auditentry",
            name="ip",
            field=models.GenericIPAddressField(
                blank=True, help_text="Of the client, where there is one.", null=True, verbose_name="address"
            ),
        ),
        migrations.AddField(
            model_name="auditentry",
            name="trace_id",
            field=models.CharField(
                blank=True,
                db_default="",
                help_text="Leads to the log lines and the rows of the same request.",
                max_length=32,
            ),
        ),
    ]
