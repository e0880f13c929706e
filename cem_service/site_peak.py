"""The highest quarter hour of a month at a site, which a capacity tariff is paid for."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from flexhub.devices.models import Site
from tenants.models import Tenant


class SitePeak(models.Model):
    """What the main meter has shown so far in the month that plans look at. Kept, since measurements are not."""

    # Counted from measurements; no person makes or deletes one.
    written_by_system: ClassVar[bool] = True

    site = models.OneToOneField(Site, on_delete=models.CASCADE, primary_key=True, related_name="peak")
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+")
    month = models.DateField(help_text="The first day of the month, in the site's time zone.")
    peak_w = models.FloatField(help_text="The highest mean of a quarter hour; not below 0.")
    counted_until = models.DateTimeField(help_text="Quarter hours that begin before this have been counted.")

    def __str__(self) -> str:
        return f"peak of {self.site} in {self.month:%Y-%m}"
