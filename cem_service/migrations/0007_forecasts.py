import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

from tenants.constraints import CompositeReference
from tenants.rls import OF_VISIBLE_SITE, RowSecurity

_SITE = {"to": "devices.Site", "to_fields": ["id", "tenant"]}
_SOURCES = [
    ("device", "the device's own forecast"),
    ("weather", "the weather"),
    ("usual_day", "the usual day"),
    ("persistence", "the day before repeated"),
    ("daylight", "the hours of daylight"),
    ("present", "as it is now"),
]


def _series(of_site: str) -> list[tuple[str, models.Field]]:
    def to(model: str, related_name: str = "+", **options: bool) -> models.Field:
        return models.ForeignKey(
            on_delete=django.db.models.deletion.CASCADE, related_name=related_name, to=model, **options
        )

    return [
        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
        ("tenant", to("tenants.tenant")),
        ("site", to("devices.site", of_site)),
        ("link", to("devices.link", null=True)),
    ]


class Migration(migrations.Migration):
    """Additive: two empty tables, which fill as sites are planned for."""

    dependencies = [("cem_service", "0006_objectives"), ("devices", "0007_fuse_per_phase"), ("tenants", "0012_erasure")]

    operations = [
        migrations.CreateModel(
            name="ForecastModel",
            fields=[
                *_series("forecast_models"),
                ("usual_day", models.JSONField(help_text="empty while too few days are known", null=True)),
                (
                    "trusted",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(choices=_SOURCES, max_length=20),
                        default=list,
                        help_text="what was better than the day before repeated over the past week, the best first",
                        size=None,
                    ),
                ),
                (
                    "said",
                    models.JSONField(help_text="what each source said of the day after learning, until it is judged"),
                ),
                ("learned_at", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("site", "link"), name="forecast_model_series", nulls_distinct=False
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ForecastScore",
            fields=[
                *_series("forecast_scores"),
                ("source", models.CharField(choices=_SOURCES, max_length=20)),
                ("start", models.DateTimeField(help_text="of the 24 hours that were forecast")),
                (
                    "steps",
                    models.PositiveSmallIntegerField(help_text="how many of their quarter hours were measured"),
                ),
                ("mean_w", models.FloatField(help_text="what was measured, without its sign")),
                ("nmae", models.FloatField(help_text="mean absolute error as a share of that")),
                ("pinball", models.FloatField(help_text="mean quantile loss as a share of that")),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("site", "link", "source", "start"), name="forecast_score_day", nulls_distinct=False
                    )
                ],
                "indexes": [models.Index(fields=["start"], name="forecast_score_start")],
            },
        ),
        RowSecurity("ForecastModel", household=OF_VISIBLE_SITE),
        RowSecurity("ForecastScore", household=OF_VISIBLE_SITE),
        CompositeReference("ForecastModel", "forecast_model_same_tenant", fields=["site", "tenant"], **_SITE),
        CompositeReference("ForecastScore", "forecast_score_same_tenant", fields=["site", "tenant"], **_SITE),
    ]
