"""What was learned of each series of a site, and how good each forecast of it was, day by day.

A series is the base load (no link) or a resource that does as it likes, such as panels.
"""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from cem_service.domain.forecasts import ForecastSource
from cem_service.planners.scores import Score
from flexhub.devices.models import Link, Site
from tenants.models import Tenant

SOURCES = [(source.value, source.label) for source in ForecastSource]


class ForecastModel(models.Model):
    """What was learned of a series, and what is waiting to be judged."""

    written_by_system: ClassVar[bool] = True

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+")
    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="forecast_models")
    link = models.ForeignKey(Link, on_delete=models.CASCADE, null=True, related_name="+")
    usual_day = models.JSONField(null=True, help_text="empty while too few days are known")
    trusted = ArrayField(
        models.CharField(max_length=20, choices=SOURCES),
        default=list,
        help_text="what was better than the day before repeated over the past week, the best first",
    )
    said = models.JSONField(help_text="what each source said of the day after learning, until it is judged")
    learned_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["site", "link"], name="forecast_model_series", nulls_distinct=False),
        ]

    def __str__(self) -> str:
        return f"what was learned of {self.link or 'the base load'}"


class ForecastScore(models.Model):
    """How good what one source said of one day was; see `planners.scores`."""

    written_by_system: ClassVar[bool] = True

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+")
    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="forecast_scores")
    link = models.ForeignKey(Link, on_delete=models.CASCADE, null=True, related_name="+")
    source = models.CharField(max_length=20, choices=SOURCES)
    start = models.DateTimeField(help_text="of the 24 hours that were forecast")
    steps = models.PositiveSmallIntegerField(help_text="how many of their quarter hours were measured")
    mean_w = models.FloatField(help_text="what was measured, without its sign")
    nmae = models.FloatField(help_text="mean absolute error as a share of that")
    pinball = models.FloatField(help_text="mean quantile loss as a share of that")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["site", "link", "source", "start"], name="forecast_score_day", nulls_distinct=False
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["start"], name="forecast_score_start")]

    def __str__(self) -> str:
        return f"forecast of {self.link or 'the base load'} by {self.get_source_display()}"

    def as_score(self) -> Score:
        return Score(
            source=ForecastSource(self.source),
            start=self.start,
            steps=self.steps,
            mean_w=self.mean_w,
            nmae=self.nmae,
            pinball=self.pinball,
        )
