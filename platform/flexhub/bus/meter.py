"""The latest reading of a main meter that is no device of its own: somebody sends it by the REST API.

It lies in Redis beside the snapshots, because a reaction reads it there a moment later; its history is telemetry.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

# Readings of yesterday say nothing about the power now.
METER_TTL_S = 24 * 3600


@dataclass(frozen=True, slots=True)
class MeterReading:
    """Power of the whole site in W, positive = consumption; `phases_w` on L1, L2 and L3 where they are known."""

    at: datetime
    power_w: float
    phases_w: tuple[float, float, float] | None = None


def encode_reading(reading: MeterReading) -> str:
    return json.dumps({"at": reading.at.isoformat(), "power_w": reading.power_w, "phases_w": reading.phases_w})


def decode_reading(text: str) -> MeterReading:
    fields = json.loads(text)
    phases_w = fields["phases_w"]
    return MeterReading(
        datetime.fromisoformat(fields["at"]), fields["power_w"], None if phases_w is None else tuple(phases_w)
    )
