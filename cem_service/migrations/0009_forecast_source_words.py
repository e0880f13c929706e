from typing import ClassVar

import django.contrib.postgres.fields
from django.db import migrations, models

_SOURCES = [
    ("device", "the device's own forecast"),
    ("weather", "the weather"),
    ("usual_day", "the usual day"),
    ("persistence", "the day before repeated"),
    ("daylight", "the hours of daylight"),
    ("present", "what was measured so far"),
]



class Migration(migrations.Migration):
    """Words alone: the database does nothing."""

    dependencies: ClassVar = [("cem_service", "0008_instruction_index")]

    operations: ClassVar = [
        migrations.AlterField(
            "forecastmodel",
            "trusted",
            django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(choices=_SOURCES, max_length=20),
                default=list,
                help_text="what was better than the day before repeated over the past week, the best first",
                size=None,
            ),
        ),
        migrations.AlterField("forecastscore", "source", models.CharField(choices=_SOURCES, max_length=20)),
    ]
