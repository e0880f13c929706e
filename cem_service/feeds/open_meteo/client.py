"""The address of Open-Meteo's weather forecast: https://open-meteo.com/en/docs, path /v1/forecast.

Free of charge for what is not commercial, up to 600 calls a minute and 10,000 a day from one address; else an operator
points FEED_ENDPOINTS to a server of their own or to that of a contract.
"""

from __future__ import annotations

from datetime import datetime

from cem_service.feeds.open_meteo.mapping import FLAT, TEMPERATURE, TILTED
from cem_service.feeds.sdk import Line, Question

_TIME = "%Y-%m-%dT%H:%M"


def forecast(line: Line, question: Question) -> bytes:
    """In whole quarter hours. Raises FeedError."""
    tilt = question.number("tilt")
    params = {
        "latitude": f"{question.number('latitude')}",
        "longitude": f"{question.number('longitude')}",
        "minutely_15": f"{FLAT if tilt is None else TILTED},{TEMPERATURE}",
        "start_minutely_15": _quarter(question.start),
        "end_minutely_15": _quarter(question.end),
        "timeformat": "unixtime",
        "timezone": "GMT",
    }
    if tilt is not None:
        params |= {"tilt": f"{tilt:g}", "azimuth": f"{question.number('azimuth') or 0.0:g}"}
    return line.get(f"{line.endpoints['api']}/forecast", params=params).taken()


def _quarter(moment: datetime) -> str:
    """The one that it lies in: from another minute, servers before 2026 count on with values that are of whole ones."""
    return moment.replace(minute=moment.minute // 15 * 15).strftime(_TIME)
