import uuid

import django.db.models.deletion
import django.db.models.functions.comparison
from django.conf import settings
from django.db import migrations, models

# Undone, a membership says no more than that somebody works for the tenant, which residents do not.
_NO_RESIDENTS = """
SELECT set_config('app.scope', 'platform', true);
DELETE FROM tenants_membership WHERE role = 'RESIDENT';
SELECT set_config('app.scope', '', true);
"""


class Migration(migrations.Migration):
    """Households, and memberships of several tenants. Whoever belonged to a tenant goes on as one of its admins."""

    dependencies = [("tenants", "0009_quota")]

    operations = [
        migrations.AlterModelManagers(name="user", managers=[]),
        migrations.CreateModel(
            name="Household",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=100)),
                (
                    "tenant",
                    models.ForeignKey(
                        help_text="The provider.",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="households",
                        to="tenants.tenant",
                    ),
                ),
            ],
            options={
                "ordering": ("name",),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "name"),
                        name="household_name",
                        violation_error_message="This tenant has a household of this name already.",
                    ),
                    models.UniqueConstraint(fields=("id", "tenant"), name="household_of_tenant"),
                ],
            },
        ),
        migrations.AlterModelOptions(name="membership", options={"ordering": ("id",)}),
        migrations.AlterField(
            model_name="membership",
            name="user",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="memberships", to=settings.AUTH_USER_MODEL
            ),
        ),
        # The default fills the rows that are there; those that come later start with less.
        migrations.AddField(
            model_name="membership",
            name="role",
            field=models.CharField(
                choices=[("ADMIN", "admin"), ("MEMBER", "member"), ("RESIDENT", "resident")],
                db_default="ADMIN",
                default="ADMIN",
                help_text="Admins look after people and API clients as well. Residents see the sites of one household.",
                max_length=10,
            ),
        ),
        migrations.AlterField(
            model_name="membership",
            name="role",
            field=models.CharField(
                choices=[("ADMIN", "admin"), ("MEMBER", "member"), ("RESIDENT", "resident")],
                db_default="MEMBER",
                default="MEMBER",
                help_text="Admins look after people and API clients as well. Residents see the sites of one household.",
                max_length=10,
            ),
        ),
        migrations.AddField(
            model_name="membership",
            name="household",
            field=models.ForeignKey(
                blank=True,
                help_text="Of a resident, and of nobody else.",
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="memberships",
                to="tenants.household",
            ),
        ),
        migrations.AddConstraint(
            model_name="membership",
            constraint=models.UniqueConstraint(
                fields=("user", "tenant"),
                name="one_membership_per_tenant",
                violation_error_message="This person belongs to this tenant already.",
            ),
        ),
        migrations.AddConstraint(
            model_name="membership",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("household__isnull", False), ("role", "RESIDENT")),
                    models.Q(models.Q(("role", "RESIDENT"), _negated=True), ("household", None)),
                    _connector="OR",
                ),
                name="residents_have_a_household",
                violation_error_message="A resident belongs to a household, and nobody else does.",
            ),
        ),
        migrations.AddConstraint(
            model_name="membership",
            constraint=models.CheckConstraint(
                condition=models.Q(("role__in", ["ADMIN", "MEMBER", "RESIDENT"])), name="membership_role"
            ),
        ),
        migrations.AddField(
            model_name="auditentry",
            name="household_id",
            field=models.UUIDField(
                db_default=django.db.models.functions.comparison.Cast(
                    django.db.models.functions.comparison.NullIf(
                        models.Func(
                            models.Value("app.household_id"), models.Value(True), function="current_setting"
                        ),
                        models.Value(""),
                    ),
                    models.UUIDField(),
                ),
                editable=False,
                null=True,
            ),
        ),
        migrations.RunSQL(migrations.RunSQL.noop, _NO_RESIDENTS),
    ]
