"""The Carbon Intensity API of Great Britain: two days of half hours from a moment on."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.simulators.feed_server import Call, FeedServer, Reply

_HALF_HOUR = timedelta(minutes=30)
_PATH = re.compile(r"/(regional/)?intensity/(\d{4}-\d\d-\d\dT\d\d:\d\dZ)/fw48h(?:/postcode/(RG10))?")


def grams_per_kwh(moment: datetime) -> float:
    """Of the country; another value each half hour."""
    moment = moment.astimezone(UTC)
    return 100.0 + 5 * moment.hour + (2 if moment.minute >= 30 else 0)


class CarbonIntensityServer(FeedServer):
    """A region has 50 g/kWh more than the country. What is behind `day` has an actual value one below its forecast."""

    def right(self, call: Call) -> Reply:
        asked = _PATH.fullmatch(call.path)
        if asked is None or bool(asked[1]) != bool(asked[3]):
            problem = {"error": {"code": "400 Bad Request", "message": "Please enter a valid start datetime."}}
            return Reply(json.dumps(problem).encode(), 400)
        start = datetime.fromisoformat(asked[2])
        start -= timedelta(minutes=start.minute % 30)
        entries = [self._entry(start + index * _HALF_HOUR, 50.0 if asked[1] else 0.0) for index in range(97)]
        data = (
            {"regionid": 12, "shortname": "South England", "postcode": "RG10", "data": entries} if asked[1] else entries
        )
        return Reply(json.dumps({"data": data}).encode())

    def empty(self, call: Call) -> Reply:
        return Reply(b'{"data": []}')

    def _entry(self, start: datetime, more: float) -> dict[str, Any]:
        value = None if start.replace(minute=0) in self.holes else grams_per_kwh(start) + more
        forecast = None if value is None else value + (1 if start < self.day else 0)
        times = {"from": f"{start:%Y-%m-%dT%H:%MZ}", "to": f"{start + _HALF_HOUR:%Y-%m-%dT%H:%MZ}"}
        actual = value if start < self.day else None
        return times | {"intensity": {"forecast": forecast, "actual": actual, "index": "moderate"}}
