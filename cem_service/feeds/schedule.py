"""When a feed is asked again. Pure.

After an answer, one period later. After a failure sooner, and then later and later: a provider that is down comes back
to few questions, and one that has asked for patience gets it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from cem_service.feeds.sdk.errors import FeedError

SHORTEST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=1)
# Those that were set up together, or failed together, shall not come together for ever.
_SPREAD = 0.1
# 2 to the power of this many failures is beyond the longest pause.
_MOST_DOUBLINGS = 10


def after_answer(feed_id: UUID, now: datetime, every: timedelta) -> datetime:
    return now + _spread(feed_id, every)


def after_failure(feed_id: UUID, now: datetime, failures: int, every: timedelta, error: FeedError) -> datetime:
    """`failures` in a row, this one counted."""
    longest = max(every, LONGEST_PAUSE)
    doubled = SHORTEST_PAUSE * 2 ** min(failures - 1, _MOST_DOUBLINGS)
    pause = _spread(feed_id, longest if error.needs_person else min(doubled, longest))
    asked_for = getattr(error, "retry_after", None) or timedelta()
    return now + max(pause, asked_for)


def _spread(feed_id: UUID, pause: timedelta) -> timedelta:
    """Up to a tenth longer, always the same for the same feed."""
    return pause * (1 + _SPREAD * (feed_id.int % 1000) / 1000)
