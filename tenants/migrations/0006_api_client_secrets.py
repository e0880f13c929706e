import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

from tenants.constraints import CompositeReference
from tenants.rls import RowSecurity


class Migration(migrations.Migration):
    """API clients get secrets, with which they ask for access tokens, in place of one lasting token.

    The column of that token stays in the table, unused: processes of the release before still read it during an upgrade.
    """

    dependencies = [("tenants", "0005_audit_functions")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[migrations.RemoveField(model_name="apiclient", name="token_hash")]
        ),
        migrations.AddConstraint(
            model_name="apiclient",
            constraint=models.UniqueConstraint(fields=("id", "tenant"), name="api_client_tenant"),
        ),
        migrations.CreateModel(
            name="APIClientSecret",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("secret_hash", models.CharField(editable=False, max_length=64, unique=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("expires_at", models.DateTimeField(editable=False, null=True, verbose_name="ends")),
                ("revoked_at", models.DateTimeField(editable=False, null=True, verbose_name="revoked")),
                ("last_used_at", models.DateTimeField(editable=False, null=True, verbose_name="last used")),
                (
                    "client",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="secrets", to="tenants.apiclient"
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
                "verbose_name": "API client secret",
                "ordering": ("-created_at", "-id"),
                "constraints": [
                    models.UniqueConstraint(fields=("id", "client", "tenant"), name="api_secret_client")
                ],
            },
        ),
        migrations.CreateModel(
            name="APIAccessToken",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("token_hash", models.CharField(editable=False, max_length=64, unique=True)),
                (
                    "scopes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=100), size=None
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("expires_at", models.DateTimeField(db_index=True)),
                (
                    "client",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="access_tokens",
                        to="tenants.apiclient",
                    ),
                ),
                (
                    "secret",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="access_tokens",
                        to="tenants.apiclientsecret",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="tenants.tenant"
                    ),
                ),
            ],
            options={"verbose_name": "API access token"},
        ),
        RowSecurity("APIClientSecret"),
        RowSecurity("APIAccessToken"),
        CompositeReference(
            "APIClientSecret",
            "api_secret_same_tenant",
            fields=["client", "tenant"],
            to="tenants.APIClient",
            to_fields=["id", "tenant"],
        ),
        CompositeReference(
            "APIAccessToken",
            "access_token_same_client",
            fields=["secret", "client", "tenant"],
            to="tenants.APIClientSecret",
            to_fields=["id", "client", "tenant"],
        ),
    ]
