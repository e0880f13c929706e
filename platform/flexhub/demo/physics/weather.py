"""One bright spring day over and over, whatever the calendar says: the demo's sun must not depend on the season.

Solar position at 52 degrees north on a day in late April; clouds pass for some minutes at a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, exp, pi, radians, sin, sqrt

from flexhub.demo.physics.chance import chance

LATITUDE = radians(52.0)
LONGITUDE_DEG = 5.0
DECLINATION = radians(11.6)
CLOUD_S = 720.0
# Where the smooth noise lies above this, a cloud is passing.
CLOUD_EDGE = 0.62
CLOUD_DEPTH = 0.65


@dataclass(frozen=True, slots=True)
class Plane:
    """A surface that catches the sun; azimuth 0 = south, positive towards the west."""

    tilt_deg: float
    azimuth_deg: float


@dataclass(frozen=True, slots=True)
class Weather:
    """The same seed is the same sky: all homes of a street share it."""

    seed: int

    def irradiance(self, plane: Plane, at_s: float) -> float:
        """W/m2 on the plane, clouds included."""
        return clear_sky(plane, at_s, self.clearness(at_s))

    def clearness(self, at_s: float) -> float:
        """1 = no cloud before the sun; lowest about 0.35."""
        index, rest = divmod(at_s, CLOUD_S)
        part = rest / CLOUD_S
        smooth = part * part * (3 - 2 * part)
        noise = (1 - smooth) * chance(self.seed, "cloud", index) + smooth * chance(self.seed, "cloud", index + 1)
        depth = min(1.0, max(0.0, (noise - CLOUD_EDGE) / (0.9 - CLOUD_EDGE)))
        return 1 - CLOUD_DEPTH * depth


def clear_sky(plane: Plane, at_s: float, clearness: float = 1.0) -> float:
    """W/m2 on the plane: the beam that `clearness` lets through, and what the sky scatters."""
    hour_angle = (at_s / 3600 % 24 + LONGITUDE_DEG / 15 - 12) * pi / 12
    up = sin(LATITUDE) * sin(DECLINATION) + cos(LATITUDE) * cos(DECLINATION) * cos(hour_angle)
    if up <= 0.01:
        return 0.0
    south = cos(DECLINATION) * cos(hour_angle) * sin(LATITUDE) - sin(DECLINATION) * cos(LATITUDE)
    west = cos(DECLINATION) * sin(hour_angle)
    tilt, azimuth = radians(plane.tilt_deg), radians(plane.azimuth_deg)
    facing = south * sin(tilt) * cos(azimuth) + west * sin(tilt) * sin(azimuth) + up * cos(tilt)
    beam = 1050 * exp(-0.13 / up)
    scattered = 95 * sqrt(up) * (1.6 - 0.6 * clearness) * (1 + cos(tilt)) / 2
    return beam * clearness * max(0.0, facing) + scattered


def outdoor_c(minute_of_day: float) -> float:
    """4 degrees at four in the morning, 14 at four in the afternoon, local time."""
    return 9 + 5 * cos(2 * pi * (minute_of_day / 60 - 16) / 24)
