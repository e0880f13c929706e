"""An answer as the OpenAPI document shows it."""

from typing import Any

FLEXIBILITY: dict[str, Any] = {
    "pool": "5e0cb2b4-7c9f-4b0e-9d8e-0c8a8f1d2c3b",
    "computed_at": "2026-04-21T10:03:41.250000Z",
    "valid_until": "2026-04-21T10:15:00Z",
    "resolution": "PT15M",
    "sites": {"enrolled": 12, "available": 12},
    "devices": {"total": 58, "available": 57, "stale": 1},
    "baseline_method": "schedule",
    "quarters": [
        {"start": "2026-04-21T10:00:00Z", "baseline_w": -8412.5, "up_w": 40120.0, "down_w": 21033.3},
        {"start": "2026-04-21T10:15:00Z", "baseline_w": -8120.0, "up_w": 39874.2, "down_w": 20550.0},
    ],
}
