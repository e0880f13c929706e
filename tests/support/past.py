"""The past of a home, as quarter-hour means: drawn from a seed, so that nobody knows it by heart."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np

QUARTER = timedelta(minutes=15)
Past = dict[datetime, float]


def household_past(seed: int, start: datetime, days: int) -> Past:
    """W drawn by a household that rises and cooks at its own hours, later on weekends, with kettles in between."""
    rng = np.random.default_rng(seed)
    morning, evening, restless_w = rng.normal(7.0, 0.5), rng.normal(18.5, 0.7), 0.0
    past: Past = {}
    for index in range(days * 96):
        moment = start + index * QUARTER
        hour, late = (index % 96) / 4, 1.5 if moment.weekday() >= 5 else 0.0
        restless_w = 0.8 * restless_w + rng.normal(0.0, 60.0)
        cooking_w = 500.0 * np.exp(-((hour - morning - late) ** 2)) + 1200.0 * np.exp(-(((hour - evening) / 1.5) ** 2))
        kettle_w = 1800.0 if rng.random() < 0.03 else 0.0
        past[moment] = float(max(200.0 + cooking_w + restless_w + kettle_w, 60.0))
    return past


def solar_past(seed: int, start: datetime, days: int) -> Past:
    """W of 5 kW of panels under passing clouds, with clear and dull days; production is negative."""
    rng = np.random.default_rng(seed)
    clear, fine = 0.7, 0.7
    past: Past = {}
    for index in range(days * 96):
        hour = (index % 96) / 4
        fine = float(rng.beta(1.5, 1.0)) if index % 96 == 0 else fine
        clear = float(np.clip(0.9 * clear + 0.1 * fine + rng.normal(0.0, 0.08), 0.05, 1.0))
        sun = max(np.sin(np.pi * (hour - 4.0) / 16.0), 0.0) if 4.0 < hour < 20.0 else 0.0
        past[start + index * QUARTER] = float(-5000.0 * sun * clear)
    return past


def weather_past(seed: int, start: datetime, days: int, *, panels_w: float = 5000.0) -> tuple[Past, Past]:
    """(irradiance as forecast in W/m², W of panels under the sky that came), with clear and dull days in any order.

    The forecast knows how dull a day will be, within some 15 %, and not when each cloud comes.
    """
    rng = np.random.default_rng(seed)
    told: Past = {}
    given: Past = {}
    fine, hazy = 0.7, 0.7
    for index in range(days * 96):
        if index % 96 == 0:
            fine = float(rng.uniform(0.15, 1.0))
            hazy = float(np.clip(fine * rng.normal(1.0, 0.15), 0.05, 1.0))
        hour = (index % 96) / 4
        sun = max(np.sin(np.pi * (hour - 4.0) / 16.0), 0.0) if 4.0 < hour < 20.0 else 0.0
        told[start + index * QUARTER] = float(900.0 * sun * hazy)
        given[start + index * QUARTER] = float(-panels_w * sun * np.clip(fine + rng.normal(0.0, 0.1), 0.05, 1.0))
    return told, given
