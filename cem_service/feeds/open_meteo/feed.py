"""The weather that solar panels and heat pumps depend on, forecast in quarter hours."""

from __future__ import annotations

from cem_service.feeds.open_meteo import client, mapping
from cem_service.feeds.sdk import Line, Question, Series


class OpenMeteo:
    """A `cem_service.feeds.sdk.Provider`."""

    def fetch(self, line: Line, question: Question) -> tuple[Series, ...]:
        return mapping.forecast(client.forecast(line, question))


PROVIDER = OpenMeteo()
