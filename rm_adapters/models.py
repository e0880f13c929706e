"""What hosted RMs keep: accounts with vendors, and for each hosted RM all that it knows between two tasks."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q

from flexhub.devices.models import Node
from rm_adapters.sdk.values import MAX_KEY_CHARACTERS
from tenants.models import Tenant


class VendorAccount(models.Model):
    """An owner's account with a vendor, through which devices are read and written to."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")
    vendor = models.CharField(max_length=40, help_text="the folder of its adapter")
    name = models.CharField(max_length=100, help_text="Whose account it is, such as the name of the building.")
    devices = models.JSONField(default=list, blank=True, help_text="what it holds, as the vendor told at looked_at")
    looked_at = models.DateTimeField(
        null=True, blank=True, help_text="on the hub's clock; empty until the vendor has answered"
    )
    last_error = models.CharField(max_length=200, blank=True, help_text="why the last look failed")

    class Meta:
        ordering = ("vendor", "name")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant", "vendor", "name"],
                name="vendor_account_name",
                violation_error_message="This tenant has an account of this name with this vendor already.",
            ),
            # Referred to by hosted RMs, so that they cannot use another tenant's account.
            models.UniqueConstraint(fields=["id", "tenant"], name="vendor_account_of_tenant"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.vendor})"


class HostedRM(models.Model):
    """An RM that we run for a device behind its vendor's cloud, as it is between two tasks.

    What a task decides is written by `rm_adapters.rows`, each time only if the task has read the newest `version`: a
    worker that was paused and goes on finds that it has been overtaken.
    """

    # Protected: a device that goes has to be given back to itself first, see `rm_adapters.removal.remove`.
    node = models.OneToOneField(Node, on_delete=models.PROTECT, primary_key=True, related_name="hosted_rm")
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")
    # A constant that takes part in the foreign key over (id, tenant, role): no CEM has such a row.
    node_role = models.GeneratedField(
        expression=models.Value("RM"), output_field=models.CharField(max_length=3), db_persist=True
    )
    account = models.ForeignKey(VendorAccount, on_delete=models.PROTECT, related_name="hosted_rms")
    device_key = models.CharField(max_length=MAX_KEY_CHARACTERS, help_text="the vendor's own id of the device")
    device = models.JSONField(help_text="what the vendor told of the device when it was registered")
    preferences = models.JSONField(
        default=dict,
        blank=True,
        help_text='Bands of comfort by the name of a reading: {"comfort": {"temperature_c": [19, 23]}}.',
    )

    version = models.PositiveBigIntegerField(default=0, help_text="grows with each change of what follows")
    state = models.JSONField(null=True, blank=True, help_text="of the HostedResource; empty before its first event")
    session_token = models.BigIntegerField(
        null=True, blank=True, help_text="of the session that it speaks in; empty without one"
    )
    last_letter = models.CharField(max_length=40, blank=True, help_text="the last one that was taken in")
    outbox = models.JSONField(
        default=list, blank=True, help_text="decided and not yet published: message ids and texts, in order"
    )
    due_at = models.DateTimeField(null=True, blank=True, help_text="when time alone changes something")
    read_at = models.DateTimeField(null=True, blank=True, help_text="when the device has to be read")
    next_at = models.DateTimeField(
        null=True, blank=True, help_text="when a task has to attend to it; empty: when something comes"
    )
    observed_at = models.DateTimeField(null=True, blank=True, help_text="when the device made its last reading")
    failing_since = models.DateTimeField(
        null=True, blank=True, help_text="of the first failure in a row; empty while all is well"
    )
    last_error = models.CharField(max_length=200, blank=True)
    remove_by = models.DateTimeField(
        null=True,
        blank=True,
        help_text="set once it is to be removed: it goes when the device is its own master again, or then",
    )

    class Meta:
        verbose_name = "hosted RM"
        ordering = ("node__site__name", "node__name")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["account", "device_key"],
                name="hosted_rm_of_device",
                violation_error_message="This device of the account has a hosted RM already.",
            ),
        ]
        indexes: ClassVar = [
            # All that the sweep of each second asks for, so that it need not read the rows, which are large.
            models.Index(
                fields=["next_at"],
                include=["node", "tenant"],
                condition=Q(next_at__isnull=False),
                name="hosted_rm_due",
            ),
        ]

    def __str__(self) -> str:
        return self.node.name
