"""How much carbon dioxide a kilowatt-hour of a grid causes, for zones of the whole world."""

from __future__ import annotations

from cem_service.feeds.electricity_maps import client, mapping
from cem_service.feeds.sdk import Line, Question, Series


class ElectricityMaps:
    """A `cem_service.feeds.sdk.Provider`."""

    def fetch(self, line: Line, question: Question) -> tuple[Series, ...]:
        return (mapping.grid_carbon(client.forecast(line, question), str(question.settings["zone"])),)


PROVIDER = ElectricityMaps()
