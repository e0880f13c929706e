import uuid

import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

import cem_service.models
from tenants.constraints import CompositeReference
from tenants.rls import OF_VISIBLE_SITE, RowSecurity

_SITE = {"to": "devices.Site", "to_fields": ["id", "tenant"]}


class Migration(migrations.Migration):
    """More to pursue at a site, limits of the grid, emergencies, and reasons as data."""

    dependencies = [
        ("cem_service", "0005_followed_feeds"),
        ("devices", "0007_fuse_per_phase"),
        ("tenants", "0012_erasure"),
    ]

    operations = [
        migrations.AddField(
            model_name="instruction",
            name="reason_data",
            field=models.JSONField(blank=True, help_text="as data; empty in rows of earlier releases", null=True),
        ),
        migrations.AddField(
            model_name="planrun",
            name="reasons",
            field=models.JSONField(
                blank=True,
                help_text="the reasons, as data; empty for a row of a release that wrote words only",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="siteobjectives",
            name="carbon_eur_per_kg",
            field=models.FloatField(
                db_default=0.0,
                default=0.0,
                help_text="What a kilogram less from the grid is worth. Needs a source of its carbon intensity.",
                validators=[cem_service.models.validate_amount],
                verbose_name="carbon dioxide (EUR/kg)",
            ),
        ),
        migrations.AddField(
            model_name="siteobjectives",
            name="contracted_import_eur_per_kwh",
            field=models.FloatField(
                db_default=0.0,
                default=0.0,
                help_text="On top of the tariff, for what is drawn above the contracted capacity.",
                validators=[cem_service.models.validate_amount],
                verbose_name="beyond it (EUR/kWh)",
            ),
        ),
        migrations.AddField(
            model_name="siteobjectives",
            name="contracted_import_w",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="What the contract allows; more is possible, and costs the price below. Empty: as much as the fuse.",
                null=True,
                validators=[django.core.validators.MinValueValidator(1)],
                verbose_name="contracted capacity (W)",
            ),
        ),
        migrations.AddField(
            model_name="siteobjectives",
            name="peak_eur_per_kw",
            field=models.FloatField(
                db_default=0.0,
                default=0.0,
                help_text="For each kW of the month's highest quarter hour. Needs a main meter, which knows the peak so far.",
                validators=[cem_service.models.validate_amount],
                verbose_name="capacity tariff (EUR/kW)",
            ),
        ),
        migrations.AddField(
            model_name="siteobjectives",
            name="pursued",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(
                    choices=[
                        ("bandwidth", "contracted capacity"),
                        ("capacity_tariff", "the month's peak"),
                        ("carbon", "carbon dioxide of the grid"),
                        ("self_consumption", "own power first"),
                    ],
                    max_length=20,
                ),
                blank=True,
                db_default=["bandwidth", "capacity_tariff", "carbon", "self_consumption"],
                default=cem_service.models.all_pursuits,
                help_text="What is not chosen counts for nothing, whatever its figures say. Limits and prices always count.",
                size=None,
            ),
        ),
        migrations.AddField(
            model_name="siteobjectives",
            name="reserve_percent",
            field=models.PositiveSmallIntegerField(
                db_default=0,
                default=0,
                help_text="How full batteries and buffers are kept at least, of what they hold.",
                validators=[django.core.validators.MaxValueValidator(90)],
                verbose_name="reserve (%)",
            ),
        ),
        migrations.AddField(
            model_name="siteobjectives",
            name="self_consumption_eur_per_kwh",
            field=models.FloatField(
                db_default=0.0,
                default=0.0,
                help_text="What it is worth to use a kWh at home rather than to feed it in, beyond what it saves.",
                validators=[cem_service.models.validate_amount],
                verbose_name="own power (EUR/kWh)",
            ),
        ),
        migrations.AddField(
            model_name="tariff",
            name="weekend_export_eur_per_kwh",
            field=models.JSONField(blank=True, null=True, validators=[cem_service.models.validate_day_of_prices]),
        ),
        migrations.AddField(
            model_name="tariff",
            name="weekend_import_eur_per_kwh",
            field=models.JSONField(blank=True, null=True, validators=[cem_service.models.validate_day_of_prices]),
        ),
        migrations.AlterField(
            model_name="instruction",
            name="reason",
            field=models.TextField(help_text="in English"),
        ),
        migrations.CreateModel(
            name="SitePeak",
            fields=[
                (
                    "site",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="peak",
                        serialize=False,
                        to="devices.site",
                    ),
                ),
                ("month", models.DateField(help_text="The first day of the month, in the site's time zone.")),
                ("peak_w", models.FloatField(help_text="The highest mean of a quarter hour; not below 0.")),
                (
                    "counted_until",
                    models.DateTimeField(help_text="Quarter hours that begin before this have been counted."),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="tenants.tenant"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="AbnormalCondition",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("starts_at", models.DateTimeField(help_text="On the hub's clock.", verbose_name="from")),
                ("ends_at", models.DateTimeField(help_text="It ends by itself then.", verbose_name="until")),
                ("withdrawn_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "source",
                    models.CharField(help_text="Who asks, such as the name of the grid operator.", max_length=100),
                ),
                ("reason", models.CharField(help_text="In words; the household reads it.", max_length=300)),
                ("next_change_at", models.DateTimeField(editable=False, null=True)),
                (
                    "site",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="devices.site",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="tenants.tenant"
                    ),
                ),
            ],
            options={
                "ordering": ("-starts_at", "id"),
                "indexes": [
                    models.Index(fields=["site", "ends_at"], name="abnormal_of_site"),
                    models.Index(
                        condition=models.Q(("next_change_at__isnull", False)),
                        fields=["next_change_at"],
                        name="abnormal_next_change",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("ends_at__gt", models.F("starts_at"))), name="abnormal_ends_after_it_starts"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="GridLimit",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("starts_at", models.DateTimeField(help_text="On the hub's clock.", verbose_name="from")),
                ("ends_at", models.DateTimeField(help_text="It ends by itself then.", verbose_name="until")),
                ("withdrawn_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "source",
                    models.CharField(help_text="Who asks, such as the name of the grid operator.", max_length=100),
                ),
                ("reason", models.CharField(help_text="In words; the household reads it.", max_length=300)),
                ("next_change_at", models.DateTimeField(editable=False, null=True)),
                (
                    "reference",
                    models.CharField(
                        help_text="What the grid operator calls it.",
                        max_length=64,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[A-Za-z0-9._:-]{1,64}\\Z", "has letters, digits and . _ : - only, 64 at most"
                            )
                        ],
                    ),
                ),
                (
                    "import_w",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="The most that the site may draw from the grid.",
                        null=True,
                        verbose_name="import (W)",
                    ),
                ),
                (
                    "export_w",
                    models.PositiveIntegerField(
                        blank=True, help_text="The most it may feed in.", null=True, verbose_name="export (W)"
                    ),
                ),
                (
                    "steerable_w",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="The most that its steerable devices may draw together, as § 14a EnWG has it.",
                        null=True,
                        verbose_name="steerable devices (W)",
                    ),
                ),
                (
                    "site",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="devices.site"
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="tenants.tenant"
                    ),
                ),
            ],
            options={
                "ordering": ("-starts_at", "id"),
                "indexes": [
                    models.Index(fields=["site", "ends_at"], name="grid_limit_of_site"),
                    models.Index(
                        condition=models.Q(("next_change_at__isnull", False)),
                        fields=["next_change_at"],
                        name="grid_limit_next_change",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("site", "reference"), name="grid_limit_reference"),
                    models.CheckConstraint(
                        condition=models.Q(("ends_at__gt", models.F("starts_at"))),
                        name="grid_limit_ends_after_it_starts",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("export_w", None), ("import_w", None), ("steerable_w", None), _negated=True
                        ),
                        name="grid_limit_limits_something",
                    ),
                ],
            },
        ),
        RowSecurity("SitePeak", household=OF_VISIBLE_SITE),
        RowSecurity("AbnormalCondition", household=OF_VISIBLE_SITE),
        RowSecurity("GridLimit", household=OF_VISIBLE_SITE),
        CompositeReference("SitePeak", "site_peak_same_tenant", fields=["site", "tenant"], **_SITE),
        CompositeReference("AbnormalCondition", "abnormal_site_same_tenant", fields=["site", "tenant"], **_SITE),
        CompositeReference("GridLimit", "grid_limit_site_same_tenant", fields=["site", "tenant"], **_SITE),
    ]
