"""The trail of what was changed and looked at."""

from __future__ import annotations

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models.functions import Cast, Collate, Lower, NullIf

from tenants.models.tenant import Tenant
from tenants.origin import Via

_HOUSEHOLD_OF_SCOPE = Cast(
    NullIf(
        models.Func(models.Value("app.household_id"), models.Value(True), function="current_setting"), models.Value("")
    ),
    models.UUIDField(),
)


class AuditEntry(models.Model):
    """Who changed or looked at what, and from where.

    Append-only in the database. Holds names as text, so that it outlives users and rows.
    """

    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    action = models.CharField(max_length=100)
    object_type = models.CharField(max_length=100)
    object_id = models.CharField(max_length=64)
    object_name = models.CharField(max_length=200)
    actor_type = models.CharField(max_length=100)
    actor_id = models.CharField(max_length=64, blank=True)
    actor_name = models.CharField(max_length=200, blank=True)
    via = models.CharField(
        max_length=10,
        choices=[(via.value, via.value) for via in Via],
        blank=True,
        db_default="",  # Processes of the version before fill none of these three.
        help_text="Which way it came in.",
    )
    ip = models.GenericIPAddressField("address", null=True, blank=True, help_text="Of the client, where there is one.")
    trace_id = models.CharField(
        max_length=32, blank=True, db_default="", help_text="Leads to the log lines and the rows of the same request."
    )
    # Filled by PostgreSQL from the scope, so that residents see the trail of what was done for them.
    household_id = models.UUIDField(null=True, editable=False, db_default=_HOUSEHOLD_OF_SCOPE)
    before = models.JSONField(null=True, encoder=DjangoJSONEncoder)
    after = models.JSONField(null=True, encoder=DjangoJSONEncoder)

    class Meta:
        verbose_name_plural = "audit entries"
        ordering = ("-id",)
        # One for each thing that people search by, each in the order in which the trail is shown.
        indexes = (
            models.Index(fields=["tenant", "-at"], name="audit_by_tenant"),
            models.Index(fields=["-at"], name="audit_recent"),
            models.Index(fields=["action", "-at"], name="audit_by_action"),
            models.Index(fields=["object_id", "-at"], name="audit_by_object_id"),
            models.Index(fields=["actor_id", "-at"], condition=models.Q(actor_id__gt=""), name="audit_by_actor"),
            models.Index(fields=["ip", "-at"], condition=models.Q(ip__isnull=False), name="audit_by_address"),
            models.Index(fields=["trace_id"], condition=models.Q(trace_id__gt=""), name="audit_by_trace"),
            models.Index(Collate(Lower("object_name"), "C"), name="audit_by_object_name"),
            models.Index(Collate(Lower("actor_name"), "C"), name="audit_by_actor_name"),
        )

    def __str__(self) -> str:
        return f"{self.action} {self.object_name}"
