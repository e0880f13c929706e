"""Day-ahead prices of a European bidding zone, without an account."""

from __future__ import annotations

from cem_service.feeds.energy_charts import client, mapping
from cem_service.feeds.sdk import Line, Question, Series


class EnergyCharts:
    """A `cem_service.feeds.sdk.Provider`."""

    def fetch(self, line: Line, question: Question) -> tuple[Series, ...]:
        return (mapping.prices(client.day_ahead_prices(line, question)),)


PROVIDER = EnergyCharts()
