"""How much carbon dioxide a kilowatt-hour of the British grid causes, forecast for two days."""

from __future__ import annotations

from cem_service.feeds.carbon_intensity import client, mapping
from cem_service.feeds.sdk import Line, Question, Series


class CarbonIntensity:
    """A `cem_service.feeds.sdk.Provider`."""

    def fetch(self, line: Line, question: Question) -> tuple[Series, ...]:
        return (mapping.grid_carbon(client.two_days(line, question)),)


PROVIDER = CarbonIntensity()
