"""The forecast address of Electricity Maps: hours from the beginning of `day` on."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from tests.simulators.feed_server import Call, FeedServer, Reply

TOKEN = "em-token"
_HOUR = timedelta(hours=1)


def grams_per_kwh(moment: datetime) -> float:
    return 200.0 + 7 * moment.astimezone(UTC).hour


class ElectricityMapsServer(FeedServer):
    """Knows the zone NL."""

    def right(self, call: Call) -> Reply:
        if call.headers.get("auth-token") != TOKEN:
            return Reply(b'{"status": "error", "message": "Invalid auth-token"}', 401)
        if call.path != "/carbon-intensity/forecast" or call.query.get("zone") != "NL":
            return Reply(b'{"status": "error", "message": "Zone does not exist"}', 404)
        hours = [self.day + index * _HOUR for index in range(96)]
        return _reply([(hour, None if hour in self.holes else grams_per_kwh(hour)) for hour in hours])

    def empty(self, call: Call) -> Reply:
        return _reply([])


def _reply(hours: list[tuple[datetime, float | None]]) -> Reply:
    forecast = [{"carbonIntensity": value, "datetime": f"{hour:%Y-%m-%dT%H:%M:%S}.000Z"} for hour, value in hours]
    document = {"zone": "NL", "forecast": forecast, "temporalGranularity": "hourly"}
    return Reply(json.dumps(document).encode())
