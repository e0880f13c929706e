"""Open-Meteo's forecast in quarter hours."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from tests.simulators.feed_server import Call, FeedServer, Reply

_QUARTER = timedelta(minutes=15)


def irradiance_w_per_m2(moment: datetime) -> float:
    """The mean of the quarter hour that begins then."""
    moment = moment.astimezone(UTC)
    return 20.0 * moment.hour + moment.minute


def temperature_c(moment: datetime) -> float:
    moment = moment.astimezone(UTC)
    return 0.5 * moment.hour - 3.0 + moment.minute / 100


class OpenMeteoServer(FeedServer):
    """On a tilted surface the sun is worth twice as much."""

    def right(self, call: Call) -> Reply:
        query = call.query
        variables = query.get("minutely_15", "").split(",")
        known = {"shortwave_radiation", "global_tilted_irradiance", "temperature_2m"}
        if call.path != "/forecast" or not known.issuperset(variables) or "latitude" not in query:
            return Reply(b'{"error": true, "reason": "Parameter \'latitude\' is required."}', 400)
        start, end = (
            datetime.strptime(query[f"{name}_minutely_15"], "%Y-%m-%dT%H:%M").replace(tzinfo=UTC)
            for name in ("start", "end")
        )
        times = [start + index * _QUARTER for index in range((end - start) // _QUARTER + 1)]
        return _reply(times, {name: [self._value(name, time) for time in times] for name in variables})

    def empty(self, call: Call) -> Reply:
        variables = call.query["minutely_15"].split(",")
        return _reply([], {name: [] for name in variables})

    def _value(self, name: str, time: datetime) -> float | None:
        """Radiation is of the quarter hour before its time."""
        if name == "temperature_2m":
            return None if time.replace(minute=0) in self.holes else temperature_c(time)
        before = time - _QUARTER
        if before.replace(minute=0) in self.holes:
            return None
        return irradiance_w_per_m2(before) * (2 if name == "global_tilted_irradiance" else 1)


def _reply(times: list[datetime], values: dict[str, list[float | None]]) -> Reply:
    units = dict.fromkeys(values, "W/m²") | {"time": "unixtime", "temperature_2m": "°C"}
    series = {"time": [int(time.timestamp()) for time in times], **values}
    document = {"latitude": 52.37, "longitude": 4.9, "minutely_15_units": units, "minutely_15": series}
    return Reply(json.dumps(document).encode())
