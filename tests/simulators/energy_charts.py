"""The price address of Energy-Charts: quarter hours from and to a second."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from tests.simulators.feed_server import Call, FeedServer, Reply

_QUARTER = timedelta(minutes=15)


def price_eur_per_kwh(moment: datetime) -> float:
    """Another one each quarter hour, below zero around noon UTC."""
    moment = moment.astimezone(UTC)
    return round(0.02 * abs(moment.hour - 12) - 0.05 + moment.minute / 1000, 6)


class EnergyChartsServer(FeedServer):
    """Knows the zone NL."""

    def right(self, call: Call) -> Reply:
        if call.path != "/price" or call.query.get("bzn") != "NL":
            return Reply(b'{"detail": "no content available"}', 404)
        start, end = (datetime.fromtimestamp(int(call.query[name]), UTC) for name in ("start", "end"))
        start = start.replace(minute=0, second=0)
        moments = [start + index * _QUARTER for index in range((end - start) // _QUARTER + 1)]
        return _reply(moments, [self._price(moment) for moment in moments])

    def empty(self, call: Call) -> Reply:
        return _reply([], [])

    def _price(self, moment: datetime) -> float | None:
        return None if moment.replace(minute=0) in self.holes else round(1000 * price_eur_per_kwh(moment), 3)


def _reply(moments: list[datetime], prices: list[float | None]) -> Reply:
    document = {
        "license_info": "CC BY 4.0 from Bundesnetzagentur | SMARD.de",
        "unix_seconds": [int(moment.timestamp()) for moment in moments],
        "price": prices,
        "unit": "EUR / MWh",
        "deprecated": False,
    }
    return Reply(json.dumps(document).encode())
