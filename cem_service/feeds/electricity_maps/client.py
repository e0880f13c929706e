"""The forecast address of Electricity Maps: path /v3/carbon-intensity/forecast, with a token in a header.

As documented at https://portal.electricitymaps.com/developer-hub/api/reference.
"""

from __future__ import annotations

from cem_service.feeds.sdk import Line, Question

# 6, 24, 48 or 72.
_HORIZON_HOURS = 48


def forecast(line: Line, question: Question) -> bytes:
    """Hours from the present one on. Raises FeedError."""
    params = {
        "zone": str(question.settings["zone"]),
        "horizonHours": str(_HORIZON_HOURS),
        "temporalGranularity": "hourly",
        "emissionFactorType": str(question.settings.get("emission_factors", "lifecycle")),
    }
    url = f"{line.endpoints['api']}/carbon-intensity/forecast"
    return line.get(url, params=params, headers={"auth-token": question.credential}).taken()
