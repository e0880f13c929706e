"""Feeds that a tenant has set up, and the last good answer of each."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models

from cem_service.domain.feed import SeriesKind
from tenants import sealed_fields
from tenants.models import Tenant
from tenants.sealed_fields import SealedField

ERROR_CHARACTERS = 200


class Feed(models.Model):
    """One question to a provider, put again and again; sites follow it.

    What it tells is mostly public. Who asks, for which place and with whose credential, is not.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+")
    provider = models.CharField(max_length=40, help_text="the folder of its provider")
    name = models.CharField(max_length=100, help_text="Such as the bidding zone, or the supplier's product.")
    settings = models.JSONField(
        default=dict, blank=True, help_text="What the provider has to know, as its manifest says."
    )
    sealed_credential = models.TextField(blank=True, editable=False)
    # An answer that was asked for under other settings must not be kept.
    revision = models.PositiveIntegerField(default=1, editable=False)

    fetched_at = models.DateTimeField(null=True, blank=True, editable=False, help_text="of the last good answer")
    next_at = models.DateTimeField(editable=False, help_text="when it is asked again")
    failures = models.PositiveIntegerField(default=0, editable=False, help_text="in a row; 0 while all is well")
    failing_since = models.DateTimeField(null=True, blank=True, editable=False)
    last_error = models.CharField(max_length=ERROR_CHARACTERS, blank=True, editable=False)

    class Meta:
        ordering = ("name",)
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant", "name"],
                name="feed_name",
                violation_error_message="This tenant has a feed of this name already.",
            ),
            # Referred to by site objectives and by series, so that they cannot name another tenant's feed.
            models.UniqueConstraint(fields=["id", "tenant"], name="feed_of_tenant"),
        ]
        indexes: ClassVar = [models.Index(fields=["next_at"], name="feed_due")]

    def __str__(self) -> str:
        return self.name


class StoredSeries(models.Model):
    """What the last good answer of a feed says about one kind of value."""

    # It comes with each answer, and no person writes it (`tenants.deletion`).
    written_by_system: ClassVar[bool] = True

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+")
    feed = models.ForeignKey(Feed, on_delete=models.CASCADE, related_name="series")
    kind = models.CharField(max_length=20, choices=[(kind.value, kind.value) for kind in SeriesKind])
    fetched_at = models.DateTimeField()
    ends_at = models.DateTimeField(help_text="when the last known value ends")
    series = models.JSONField(help_text="as cem_service.feeds.sdk.Series gives it")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["feed", "kind"], name="stored_series_kind")]
        indexes: ClassVar = [models.Index(fields=["ends_at"], name="stored_series_end")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.feed}"


SEALED_CREDENTIAL = SealedField("feeds.feed.credential", model="feeds.Feed", column="sealed_credential")
sealed_fields.register(SEALED_CREDENTIAL)
