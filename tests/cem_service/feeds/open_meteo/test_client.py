from __future__ import annotations

from datetime import UTC, datetime

from cem_service.feeds.open_meteo.client import forecast
from cem_service.feeds.sdk import Line, Question
from tests.simulators.feed_server import running
from tests.simulators.open_meteo import OpenMeteoServer


def test_whole_quarter_hours_are_asked_for() -> None:
    start, end = (datetime(2026, 4, day, 10, 22, 41, tzinfo=UTC) for day in (18, 23))
    question = Question({"latitude": 52.37, "longitude": 4.9}, "", start, end)

    with running(OpenMeteoServer()) as server, Line({"api": server.url}, local=True) as line:
        forecast(line, question)

    (call,) = server.calls
    assert call.query["start_minutely_15"] == "2026-04-18T10:15"
    assert call.query["end_minutely_15"] == "2026-04-23T10:15"
