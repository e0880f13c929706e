"""What a plan had to do without a feed for, in English, and what it used instead."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from cem_service.domain.feed import SeriesKind
from cem_service.domain.reason import Figure, Reason, ReasonCode

# A feed with more holes is called full of them, and nobody reads when each of them is.
MOST_STRETCHES = 3
_INSTEAD = {
    SeriesKind.PRICE: "the tariff's are used",
    SeriesKind.EXPORT_PRICE: "the tariff's are used",
    SeriesKind.GRID_CARBON: "a usual value is used",
    SeriesKind.IRRADIANCE: "past days are used",
    SeriesKind.TEMPERATURE: "past days are used",
    SeriesKind.IMPORT_LIMIT: "the limits of the connection are used",
    SeriesKind.EXPORT_LIMIT: "the limits of the connection are used",
}


def feed_sentence(reason: Reason, zone: ZoneInfo) -> str:
    """For the codes that begin with FEED."""
    figures = reason.figures
    kind, source = SeriesKind(str(figures["kind"])), figures["source"]
    match reason.code:
        case ReasonCode.FEED_NEW:
            return f"{kind.label} from {source} have not come yet; {_INSTEAD[kind]}."
        case ReasonCode.FEED_OLD:
            return f"{kind.label} from {source} are {_age(figures)} old, which is too old; {_INSTEAD[kind]}."
        case ReasonCode.FEED_LATE:
            return f"{kind.label} from {source} are late: what it said last is {_age(figures)} old."
    return f"{kind.label} of {_when(str(figures['stretches']), zone)} are missing from {source}; {_INSTEAD[kind]}."


def _when(stretches: str, zone: ZoneInfo) -> str:
    told = stretches.split()
    more = len(told) - MOST_STRETCHES
    shown = ", ".join(_between(stretch, zone) for stretch in told[:MOST_STRETCHES])
    return shown + (f" and {more} more stretches" if more > 0 else "")


def _between(stretch: str, zone: ZoneInfo) -> str:
    start, end = (datetime.fromisoformat(moment).astimezone(zone) for moment in stretch.split("/"))
    if start.date() == end.date():
        return f"{start:%H:%M}-{end:%H:%M}"
    return f"{start:%d %b %H:%M}-{end:%d %b %H:%M}"


def _age(figures: Mapping[str, Figure]) -> str:
    """Such as 3 h or 12 min."""
    minutes = int(float(figures["age_s"]) // 60)
    return f"{minutes // 60} h" if minutes >= 120 else f"{minutes} min"
