"""In a word how a feed is, with the colour that it has on every page: red is what a person must notice."""

from __future__ import annotations

from datetime import datetime

from cem_service.domain.feed import LATE_AFTER_PERIODS
from cem_service.feeds.catalogue import manifests
from cem_service.feeds.models import Feed


def state_of(feed: Feed, now: datetime) -> tuple[str, str]:
    """(text, colour)."""
    manifest = manifests().get(feed.provider)
    if manifest is None:
        return "no such provider", "danger"
    if feed.fetched_at is None:
        return ("failing, no answer yet", "danger") if feed.failures else ("waiting for the first answer", "info")
    age = now - feed.fetched_at
    if age > manifest.fetch.valid_for:
        return "too old to be used", "danger"
    if feed.failures:
        return "failing, last answer in use", "warning"
    late = age > LATE_AFTER_PERIODS * manifest.fetch.every
    return ("late", "warning") if late else ("well", "success")
