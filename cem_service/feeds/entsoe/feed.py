"""Day-ahead prices of a European bidding zone."""

from __future__ import annotations

from cem_service.feeds.entsoe import client, mapping
from cem_service.feeds.sdk import Line, Question, Series


class Entsoe:
    """A `cem_service.feeds.sdk.Provider`."""

    def fetch(self, line: Line, question: Question) -> tuple[Series, ...]:
        auction = question.number("auction")
        document = client.day_ahead_prices(line, question)
        return (mapping.prices(document, None if auction is None else int(auction)),)


PROVIDER = Entsoe()
