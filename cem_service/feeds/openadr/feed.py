"""Prices, grid carbon and limits from a VTN of a supplier or grid operator, read as its VEN."""

from __future__ import annotations

from cem_service.feeds.openadr import mapping
from cem_service.feeds.openadr.client import VTN
from cem_service.feeds.sdk import Line, Question, Series


class OpenADR:
    """A `cem_service.feeds.sdk.Provider`."""

    def fetch(self, line: Line, question: Question) -> tuple[Series, ...]:
        vtn = VTN(line, question)
        programs = mapping.chosen_programs(vtn.programs(), question.settings.get("program"))
        events = [event for program_id in programs for event in vtn.events(program_id)]
        names = frozenset(filter(None, map(str.strip, str(question.settings.get("targets", "")).split(","))))
        return mapping.series(programs, events, names, question.start, question.end)


PROVIDER = OpenADR()
