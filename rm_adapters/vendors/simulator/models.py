"""Where the simulated vendor keeps its machines: its cloud's own database, in truth a table beside ours."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from tenants.models import Tenant


class SimulatedMachine(models.Model):
    """One machine of an account."""

    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")
    account = models.ForeignKey("rm_adapters.VendorAccount", on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=40)
    machine = models.JSONField(help_text="as SimulatedCloud.dump gives it")
    settings = models.JSONField(default=list, help_text="the last ones that had their effect, oldest first, with times")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["account", "key"], name="simulated_machine_key")]

    def __str__(self) -> str:
        return self.key
