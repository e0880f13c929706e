"""The one address of the ENTSO-E Transparency Platform.

As documented in its web API guide, 4.2.10 (day-ahead prices, article 12.1.D), and at
https://transparencyplatform.zendesk.com: document type A44, at most 400 questions a minute, times in UTC. A question
for an hour is answered with the whole market days that it touches.
"""

from __future__ import annotations

from cem_service.feeds.sdk import Line, Question, Refused

_TIME = "%Y%m%d%H%M"
# What is wrong with a question stands in a document with this status, and so does that there are no data.
_WITH_DOCUMENT = frozenset({200, 400})


def day_ahead_prices(line: Line, question: Question) -> bytes:
    """Raises FeedError. The token is a parameter, so nothing of the URL may be written down anywhere."""
    zone = str(question.settings["bidding_zone"])
    params = {
        "securityToken": question.credential,
        "documentType": "A44",
        "in_Domain": zone,
        "out_Domain": zone,
        "periodStart": question.start.strftime(_TIME),
        "periodEnd": question.end.strftime(_TIME),
    }
    answer = line.get(line.endpoints["api"], params=params)
    if answer.status not in _WITH_DOCUMENT:
        raise Refused(f"the provider answers with status {answer.status}")
    return answer.body
