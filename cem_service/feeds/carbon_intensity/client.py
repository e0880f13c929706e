"""The address of the Carbon Intensity API of the National Energy System Operator of Great Britain.

As documented at https://carbon-intensity.github.io/api-definitions/: half hours for two days from a moment on, of the
country or of a postcode's region; without a key.
"""

from __future__ import annotations

from cem_service.feeds.sdk import Line, Question


def two_days(line: Line, question: Question) -> bytes:
    """Raises FeedError."""
    start = f"{question.start:%Y-%m-%dT%H:%MZ}"
    postcode = question.settings.get("postcode")
    path = f"regional/intensity/{start}/fw48h/postcode/{postcode}" if postcode else f"intensity/{start}/fw48h"
    return line.get(f"{line.endpoints['api']}/{path}", headers={"Accept": "application/json"}).taken()
