"""What a provider's folder has to be able to do, and no more.

The framework owns the schedule, the cache, retries, secrets and settings. A provider's `feed.py` puts one question and
returns what came of it; `client.py` knows the addresses, `mapping.py` (pure) the documents.
"""

from __future__ import annotations

from typing import Protocol

from cem_service.feeds.sdk.http import Line
from cem_service.feeds.sdk.values import Question, Series


class Provider(Protocol):
    """`PROVIDER` of the module `feed` in the provider's folder."""

    def fetch(self, line: Line, question: Question, /) -> tuple[Series, ...]:
        """All that is known for the time of the question, which replaces what was known before.

        Raises FeedError, and nothing else.
        """
        ...
