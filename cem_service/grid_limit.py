"""What a grid operator has asked of a site, and what an operator or the grid has allowed there in an emergency."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q

from flexhub.devices.models import Site
from tenants.models import Tenant

LONGEST_REFERENCE = 64
REFERENCE = r"[A-Za-z0-9._:-]{1,64}"
# In force or to come, of one kind at one site.
MOST_OPEN = 100


def ends_after_it_starts(name: str) -> models.CheckConstraint:
    """`name` is what the database has called these acts from the beginning, and begins the constraint's own name."""
    return models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name=f"{name}_ends_after_it_starts")


def indexes_of(name: str) -> list[models.Index]:
    """For looking at one site, and for finding those that change next."""
    changes = Q(next_change_at__isnull=False)
    return [
        models.Index(fields=["site", "ends_at"], name=f"{name}_of_site"),
        models.Index(fields=["next_change_at"], condition=changes, name=f"{name}_next_change"),
    ]


class BoundedTimeQuerySet(models.QuerySet[Any]):
    def open(self, now: datetime) -> Self:
        """Those in force at `now`, and those to come."""
        return self.filter(withdrawn_at=None, ends_at__gt=now)

    def changing(self, now: datetime) -> Self:
        """Those of which something begins or ends at `now`, or did since the site was last told."""
        return self.filter(next_change_at__lte=now)


class BoundedTime(models.Model):
    """An act of somebody outside the home that holds from one moment to another, and can be withdrawn before its end.

    It never changes by itself: at `starts_at` and `ends_at` the site is woken, and `next_change_at` is the one of the
    two that it has not been woken for yet.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+")
    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="+")
    starts_at = models.DateTimeField("from", help_text="On the hub's clock.")
    ends_at = models.DateTimeField("until", help_text="It ends by itself then.")
    withdrawn_at = models.DateTimeField(null=True, blank=True, editable=False)
    source = models.CharField(max_length=100, help_text="Who asks, such as the name of the grid operator.")
    reason = models.CharField(max_length=300, help_text="In words; the household reads it.")
    next_change_at = models.DateTimeField(null=True, editable=False)

    objects = BoundedTimeQuerySet.as_manager()

    longest: ClassVar[timedelta]

    class Meta:
        abstract = True
        ordering = ("-starts_at", "id")

    def clean(self) -> None:
        """What somebody sets lies ahead, is bounded, and is one of not too many. Raises ValidationError."""
        starts_at: datetime | None = self.starts_at
        ends_at: datetime | None = self.ends_at
        if starts_at is None or ends_at is None:
            return  # The fields themselves say so.
        now = settings.CLOCK.now()
        if ends_at <= starts_at:
            raise ValidationError({"ends_at": "It ends after it starts."})
        if ends_at <= now:
            raise ValidationError({"ends_at": "It ends in the future."})
        if ends_at - starts_at > self.longest:
            hours = self.longest // timedelta(hours=1)
            raise ValidationError({"ends_at": f"It lasts {hours} hours at most; another one goes on from there."})
        others = type(self).objects.open(now).filter(site_id=self.site_id).exclude(pk=self.pk)
        if others.count() >= MOST_OPEN:
            raise ValidationError({"site": f"{MOST_OPEN} of these have not ended at this site: withdraw some first."})

    def state(self, now: datetime) -> str:
        """In a word, for people."""
        if self.withdrawn_at is not None:
            return "withdrawn"
        if now < self.starts_at:
            return "announced"
        return "in force" if now < self.ends_at else "ended"

    def change_after(self, now: datetime) -> datetime | None:
        """When the site has to be woken next; None once it is over."""
        if self.withdrawn_at is not None:
            return None
        return next((moment for moment in (self.starts_at, self.ends_at) if moment > now), None)


class GridLimit(BoundedTime):
    """At most so many W at a site, for a while. Of several that hold at once the lowest counts.

    `reference` is the name that whoever set it knows it by; the same one again replaces it.
    """

    reference = models.CharField(
        max_length=LONGEST_REFERENCE,
        validators=[RegexValidator(rf"^{REFERENCE}\Z", "has letters, digits and . _ : - only, 64 at most")],
        help_text="What the grid operator calls it.",
    )
    import_w = models.PositiveIntegerField(
        "import (W)", null=True, blank=True, help_text="The most that the site may draw from the grid."
    )
    export_w = models.PositiveIntegerField("export (W)", null=True, blank=True, help_text="The most it may feed in.")
    steerable_w = models.PositiveIntegerField(
        "steerable devices (W)",
        null=True,
        blank=True,
        help_text="The most that its steerable devices may draw together, as § 14a EnWG has it.",
    )

    class Meta(BoundedTime.Meta):
        constraints = (
            models.UniqueConstraint(fields=["site", "reference"], name="grid_limit_reference"),
            ends_after_it_starts("grid_limit"),
            models.CheckConstraint(
                condition=~Q(import_w=None, export_w=None, steerable_w=None), name="grid_limit_limits_something"
            ),
        )
        indexes: ClassVar = indexes_of("grid_limit")

    longest: ClassVar = timedelta(days=366)

    def __str__(self) -> str:
        return f"{self.reference} at {self.site}"

    def clean(self) -> None:
        super().clean()
        if (self.import_w, self.export_w, self.steerable_w) == (None, None, None):
            missing = "Give this, or one of the other two."
            raise ValidationError(dict.fromkeys(("import_w", "export_w", "steerable_w"), missing))


class AbnormalCondition(BoundedTime):
    """Lets the CEM use what a device keeps for emergencies (R-38, R-40), at one site and for a while."""

    class Meta(BoundedTime.Meta):
        constraints = (ends_after_it_starts("abnormal"),)
        indexes: ClassVar = indexes_of("abnormal")

    # An emergency is not a way of life: who needs more time says so again.
    longest: ClassVar = timedelta(hours=24)

    def __str__(self) -> str:
        return f"abnormal condition at {self.site}"
