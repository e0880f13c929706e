"""How much a tenant may have and do, where that differs from the defaults."""

from __future__ import annotations

from django.core.validators import MaxValueValidator
from django.db import models

from tenants.models.tenant import Tenant

# PostgreSQL's integer holds more; this is more than any hub carries.
_AT_MOST = [MaxValueValidator(1_000_000_000)]


class Quota(models.Model):
    """One row for a tenant with a quota of its own. Only operators write it; the tenant reads it.

    The fields are named as in `tenants.quota_table.Quantity`. Empty means the default of the tenant's kind.
    """

    tenant = models.OneToOneField(Tenant, on_delete=models.PROTECT, primary_key=True, related_name="quota")
    sites = models.PositiveIntegerField(null=True, blank=True, validators=_AT_MOST, help_text="Buildings.")
    devices = models.PositiveIntegerField(
        null=True, blank=True, validators=_AT_MOST, help_text="Each with its RM node."
    )
    cem_nodes = models.PositiveIntegerField(
        "CEM nodes",
        null=True,
        blank=True,
        validators=_AT_MOST,
        help_text="Those that connect to the hub; a site's hosted CEM is not counted.",
    )
    device_types = models.PositiveIntegerField(
        null=True, blank=True, validators=_AT_MOST, help_text="Products of a manufacturer."
    )
    members = models.PositiveIntegerField(null=True, blank=True, validators=_AT_MOST, help_text="People.")
    api_clients = models.PositiveIntegerField(
        "API clients", null=True, blank=True, validators=_AT_MOST, help_text="Programs that call the REST API."
    )
    feeds = models.PositiveIntegerField(
        null=True, blank=True, validators=_AT_MOST, help_text="Questions to providers of prices, carbon and weather."
    )
    sessions = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=_AT_MOST,
        help_text="S2 sessions at the same time. A relayed link has two, and so has a house link.",
    )
    messages_per_s = models.PositiveIntegerField(
        "messages a second",
        null=True,
        blank=True,
        validators=_AT_MOST,
        help_text="All sessions together, in the long run; ten seconds' worth may come at once. Verdicts do not count.",
    )
    api_calls_per_min = models.PositiveIntegerField(
        "API calls a minute", null=True, blank=True, validators=_AT_MOST, help_text="All API clients together."
    )
    invitations_per_day = models.PositiveIntegerField(
        "invitations a day",
        null=True,
        blank=True,
        validators=_AT_MOST,
        help_text="Mails that invite somebody, those that are sent again included, in the last 24 hours.",
    )

    def __str__(self) -> str:
        return f"quotas of {self.tenant}"
