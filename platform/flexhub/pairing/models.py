"""What a node shows to be let in."""

from __future__ import annotations

from django.db import models

from flexhub.devices.models import Node
from tenants.models import Tenant


class NodeToken(models.Model):
    """A bearer token of a node. Several may be valid at once, so that a device can change over without a gap."""

    node = models.ForeignKey(Node, on_delete=models.CASCADE, related_name="tokens")
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    revoked_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ("-created_at", "-id")

    def __str__(self) -> str:
        return f"token {self.fingerprint} of {self.node}"

    @property
    def fingerprint(self) -> str:
        """Enough to tell two tokens apart, too little to search for."""
        return f"{self.token_hash[:8]}…"
