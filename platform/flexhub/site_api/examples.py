"""Requests and answers as the OpenAPI document shows them."""

from typing import Any

LIMIT_WISH: dict[str, Any] = {
    "ends_at": "2026-01-12T19:00:00Z",
    "source": "Netz Musterstadt",
    "reason": "The transformer of your street is overloaded.",
    "steerable_w": 4200,
}
LIMIT: dict[str, Any] = {
    "reference": "2026-01-12-transformer-17",
    "state": "in_force",
    "starts_at": "2026-01-12T17:00:03.125000Z",
    **LIMIT_WISH,
    "import_w": None,
    "export_w": None,
}
TOTALS: dict[str, Any] = {
    "readings": [
        {"at": "2026-01-12T17:00:00Z", "power_w": 3180},
        {"at": "2026-01-12T17:01:00Z", "power_w": 3240.5},
    ]
}
PHASES: dict[str, Any] = {"readings": [{"at": "2026-01-12T17:00:00Z", "phases_w": [2210, 480, 490]}]}
