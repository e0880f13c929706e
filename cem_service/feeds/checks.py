"""What `manage.py check` says about where the providers of feeds are."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from cem_service.feeds.catalogue import manifests


@register()
def endpoints_are_there(**_: Any) -> list[CheckMessage]:
    """A name that is misspelt would leave the provider where its manifest says, in silence."""
    there = {f"{name}.{endpoint}" for name, manifest in manifests().items() for endpoint in manifest.endpoints}
    named = {f"{name}.{endpoint}" for name, endpoints in settings.FEED_ENDPOINTS.items() for endpoint in endpoints}
    return [
        Error(f"FEED_ENDPOINTS names {unknown}; there is {', '.join(sorted(there))}.", id="feeds.E001")
        for unknown in sorted(named - there)
    ]
