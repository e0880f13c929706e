"""A VTN of OpenADR 3: access tokens, programs and events, in pages."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.simulators.feed_server import Call, FeedServer, Reply

CLIENT_ID, SECRET, TOKEN = "ven_client_99", "ven_secret_99", "MTQ0NjJkZmQ5"
_HOUR = timedelta(hours=1)


def price_eur_per_kwh(moment: datetime) -> float:
    return round(0.10 + 0.01 * moment.astimezone(UTC).hour, 6)


def descriptor(kind: str, units: str | None = None, currency: str | None = None) -> dict[str, Any]:
    return {"objectType": "EVENT_PAYLOAD_DESCRIPTOR", "payloadType": kind, "units": units, "currency": currency}


def event(kind: str, *intervals: tuple[datetime | None, str, float], **fields: Any) -> dict[str, Any]:
    """Intervals of (start, duration, value); those without a start take the event's `intervalPeriod`."""
    return {
        "id": "event-1",
        "objectType": "EVENT",
        "programID": "program-1",
        "intervals": [
            {
                "id": index,
                "payloads": [{"type": kind, "values": [value]}],
                **(
                    {}
                    if start is None
                    else {"intervalPeriod": {"start": f"{start:%Y-%m-%dT%H:%M:%SZ}", "duration": lasts}}
                ),
            }
            for index, (start, lasts, value) in enumerate(intervals)
        ],
        **fields,
    }


class OpenADRServer(FeedServer):
    """One program with a price for each hour around `day`; `extra` are events of a test's own."""

    def __init__(self) -> None:
        super().__init__()
        self.reset()

    def reset(self) -> None:
        super().reset()
        self.extra: list[dict[str, Any]] = []
        self.prices = True

    def right(self, call: Call) -> Reply:
        if call.path == "/auth/token":
            return self._token(call)
        if call.headers.get("Authorization") != f"Bearer {TOKEN}":
            return _json({"title": "Forbidden", "status": 403}, 403)
        found = {"/programs": self._programs, "/events": self._events}.get(call.path)
        if found is None:
            return _json({"title": "Not Found", "status": 404}, 404)
        skip, limit = int(call.query.get("skip", 0)), int(call.query.get("limit", 50))
        return _json(found()[skip : skip + min(limit, 50)])

    def empty(self, call: Call) -> Reply:
        return self._token(call) if call.path == "/auth/token" else _json([])

    def _token(self, call: Call) -> Reply:
        form = dict(call.form)
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, SECRET):
            return _json({"error": "invalid_client"}, 401)
        if form.get("grant_type") != "client_credentials":
            return _json({"error": "unsupported_grant_type"}, 400)
        return _json({"access_token": TOKEN, "token_type": "Bearer", "expires_in": 3600, "scope": form.get("scope")})

    def _programs(self) -> list[dict[str, Any]]:
        descriptors = [
            descriptor("PRICE", "KWH", "EUR"),
            descriptor("IMPORT_CAPACITY_LIMIT", "KW"),
            descriptor("EXPORT_CAPACITY_LIMIT", "KW"),
        ]
        return [{"id": "program-1", "programName": "dynamic", "payloadDescriptors": descriptors}]

    def _events(self) -> list[dict[str, Any]]:
        """One event for each hour, as some VTNs do it, so that there is more than one page."""
        hours = [self.day + index * _HOUR for index in range(-24, 96)]
        told = [hour for hour in hours if hour not in self.holes]
        prices = [event("PRICE", (hour, "PT1H", price_eur_per_kwh(hour))) for hour in told]
        return (prices if self.prices else []) + self.extra


def _json(document: Any, status: int = 200) -> Reply:
    return Reply(json.dumps(document).encode(), status, {"Content-Type": "application/json"})
