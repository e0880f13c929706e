"""The simulated market: what a provider would answer over HTTP, made up here. It asks nobody.

Prices have the shape that much solar power gives them: low around noon, high in the evening, lower on windy days. The
same quarter hour has the same values whenever it is asked for.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from math import pi, sin
from typing import Any

from cem_service.feeds.sdk import Question

_QUARTER = timedelta(minutes=15)


def market(question: Question) -> bytes:
    start = question.start.replace(minute=0, second=0, microsecond=0)
    return json.dumps({"quarters": list(_quarters(start, question.end))}).encode()


def _quarters(start: datetime, end: datetime) -> Iterator[dict[str, Any]]:
    at = start
    while at < end:
        sun, evening = _bump(at, 12.0, 5.0), _bump(at, 18.5, 3.0)
        # Any two days differ, and a day and the one after it do so by little.
        wind = 0.5 + 0.5 * sin(1.7 * at.toordinal())
        # Within an hour prices climb while the sun goes down, and fall while it rises.
        slope = 12.0 * ((at.minute / 60) - 0.375) * (1 if at.hour >= 12 else -1)
        price = 95.0 - 85.0 * sun + 110.0 * evening - 40.0 * wind + slope
        carbon = 380.0 - 240.0 * sun + 90.0 * evening - 150.0 * wind
        yield {"at": at.isoformat(), "eur_per_mwh": round(price, 2), "g_per_kwh": round(max(carbon, 20.0), 1)}
        at += _QUARTER


def _bump(at: datetime, peak_hour: float, half_width_h: float) -> float:
    """1 at the hour of the peak (UTC), and nothing beyond the width."""
    away = abs(at.hour + at.minute / 60 - peak_hour) / half_width_h
    return sin((1 - away) * pi / 2) if away < 1 else 0.0
