"""The address of Energy-Charts, by Fraunhofer ISE: https://api.energy-charts.info, path /price.

It takes days and seconds since 1970, and answers with what lies between; without a key, and free of charge.
"""

from __future__ import annotations

from cem_service.feeds.sdk import Empty, Line, Question

# So it answers for a time for which it has no prices yet.
_NOTHING_THERE = 404


def day_ahead_prices(line: Line, question: Question) -> bytes:
    """Raises FeedError."""
    params = {
        "bzn": str(question.settings["bidding_zone"]),
        "start": str(int(question.start.timestamp())),
        "end": str(int(question.end.timestamp())),
    }
    answer = line.get(f"{line.endpoints['api']}/price", params=params)
    if answer.status == _NOTHING_THERE:
        raise Empty("the provider has no prices for this time")
    return answer.taken()
