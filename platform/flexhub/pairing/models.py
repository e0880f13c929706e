"""What a node shows to be let in, and where we find those that we have to connect to."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Now

from flexhub.devices.models import Link, Node
from flexhub.pairing.addresses import MAX_URL_CHARACTERS, AddressRefused, check_url
from tenants import sealed_fields
from tenants.models import Tenant
from tenants.sealed_fields import SealedField


def is_valid_token(prefix: str = "") -> models.Q:
    """Neither revoked nor expired, by the clock of the database. `prefix` leads to the token, such as `tokens__`."""
    lasts = models.Q((f"{prefix}expires_at", None)) | models.Q((f"{prefix}expires_at__gt", Now()))
    return models.Q((f"{prefix}revoked_at", None)) & lasts


class NodeTokenQuerySet(models.QuerySet["NodeToken"]):
    def valid(self) -> Self:
        return self.filter(is_valid_token())


class NodeToken(models.Model):
    """A bearer token of a node. Several may be valid at once, so that a device can change over without a gap.

    `last_used_at`: when a connection that it opened was last seen, exact to `standing.USE_NOTED_EVERY`.
    """

    node = models.ForeignKey(Node, on_delete=models.CASCADE, related_name="tokens")
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(
        "expires at", null=True, blank=True, help_text="Empty: it is valid until it is revoked or replaced."
    )
    last_used_at = models.DateTimeField("last used", null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)

    objects = NodeTokenQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at", "-id")

    def __str__(self) -> str:
        return f"token {self.fingerprint} of {self.node}"

    @property
    def fingerprint(self) -> str:
        """Enough to tell two tokens apart, too little to search for."""
        return f"{self.token_hash[:8]}…"


# What people are told about a failure.
ERROR_CHARACTERS = 200


def validate_dialled_url(url: str) -> None:
    """Raises ValidationError for a URL that the hub does not connect to."""
    try:
        check_url(url, plain=settings.S2_DIAL_PLAIN, private=settings.S2_DIAL_PRIVATE)
    except AddressRefused as error:
        raise ValidationError("%(reason)s", params={"reason": error}) from error


class DialledEnd(models.Model):
    """An end of a link whose peer is a server elsewhere: the hub connects to it, and goes on trying.

    `revision` grows with each change by a person, so that whoever holds the connection notices. `state`, `since` and
    `error` tell people how the last attempt went; they are written when that changes, not with each attempt.
    """

    class State(models.TextChoices):
        NEW = "NEW", "not tried yet"
        CONNECTED = "CONNECTED", "connected"
        REFUSED = "REFUSED", "refused"
        FAILED = "FAILED", "failed"

    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")
    link = models.ForeignKey(Link, on_delete=models.CASCADE, related_name="dialled_ends")
    role = models.CharField(
        "end", max_length=3, choices=Node.Role, help_text="Which of the link's two nodes is the server to connect to."
    )
    url = models.CharField(
        "URL",
        max_length=MAX_URL_CHARACTERS,
        validators=[validate_dialled_url],
        help_text="Where it listens, such as wss://ems.example/s2.",
    )
    sealed_token = models.TextField(blank=True, editable=False)
    enabled = models.BooleanField(default=True, help_text="Without it the connection is closed and not opened again.")
    revision = models.PositiveIntegerField(default=1, editable=False)
    state = models.CharField(max_length=10, choices=State, default=State.NEW, editable=False)
    since = models.DateTimeField(null=True, editable=False)
    error = models.CharField(max_length=ERROR_CHARACTERS, blank=True, editable=False)

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(
                fields=["link", "role"],
                name="dialled_end_of_link",
                violation_error_message="The hub connects to this end already.",
            ),
            models.CheckConstraint(condition=models.Q(role__in=["CEM", "RM"]), name="dialled_end_role"),
        )

    def __str__(self) -> str:
        return f"{self.role} of {self.link}"

    def clean(self) -> None:
        """Raises ValidationError for a node that we run ourselves."""
        if getattr(self, "link", None) is not None and self.node.hosted:
            raise ValidationError({"role": f"{self.node} is run by the hub, so there is nothing to connect to."})

    @property
    def node(self) -> Node:
        """The peer."""
        return self.link.rm_node if self.role == Node.Role.RM else self.link.cem_node


SEALED_TOKEN = SealedField("pairing.dialledend.token", model="pairing.DialledEnd", column="sealed_token")
sealed_fields.register(SEALED_TOKEN)
