"""Token buckets in Redis: how often something may be done, whichever process it is asked of.

A bucket holds `limit` units when it is full, and is filled evenly, with `limit` units in `window_s` seconds. What is
stored is not a number of units but the moment at which the bucket will be full again (the generic cell rate algorithm):
one value, which ends by itself when the bucket is full. Redis' own clock decides.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

from flexhub.bus.errors import BusUnavailable
from flexhub.bus.scripts import Script
from flexhub.bus.worker_line import WorkerLine

logger = logging.getLogger(__name__)

# While Redis is away, nobody waits for it more often than this.
_PAUSE_S = 5.0
_WARN_EVERY_S = 60.0

# KEYS bucket; ARGV limit, window in seconds. Answers whether a unit was taken, how many are left, and in how many
# milliseconds the bucket is full, or holds a unit again. Everything is in milliseconds, rounded so that nobody who
# comes back when told is told so again.
_TAKE = Script("""
local limit, window = tonumber(ARGV[1]), tonumber(ARGV[2]) * 1000
if limit == 0 then return {0, 0, window} end
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local full_at = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now)
local unit = window / limit
local wait = full_at + unit - window - now
if wait > 0 then return {0, 0, math.ceil(wait)} end
full_at = full_at + unit
redis.call('SET', KEYS[1], string.format('%.3f', full_at), 'PX', math.ceil(full_at - now))
return {1, math.floor((now + window - full_at) / unit + 0.001), math.ceil(full_at - now)}
""")

# KEYS bucket; ARGV limit, window in seconds. How many units are missing, without taking one.
_MISSING = Script("""
local limit, window = tonumber(ARGV[1]), tonumber(ARGV[2]) * 1000
local time = redis.call('TIME')
local full_at = tonumber(redis.call('GET', KEYS[1]) or 0)
local missing = (full_at - time[1] * 1000 - time[2] / 1000) / window * limit
return math.min(limit, math.max(0, math.ceil(missing - 0.001)))
""")


@dataclass(frozen=True, slots=True)
class Quota:
    """`limit` units in `window_s` seconds; 0 allows nothing. The name is shown to clients."""

    name: str
    limit: int
    window_s: int = 60


@dataclass(frozen=True, slots=True)
class Reading:
    """What a bucket said. `wait_s` is until it is full; where nothing was `taken`, until it holds a unit again."""

    quota: Quota
    taken: bool
    remaining: int
    wait_s: int


class Buckets:
    """Over a line of its own. Safe to share between threads."""

    def __init__(self, line: WorkerLine) -> None:
        self._line = line
        self._ask_again_at = self._warn_again_at = -math.inf

    def take(self, wanted: Sequence[tuple[str, Quota]]) -> list[Reading]:
        """Take a unit from each of these buckets, in one round trip. Where one is empty, the others are charged all
        the same.

        Without Redis nothing is limited: the list is empty, and the log says so once a minute.
        """
        if time.monotonic() < self._ask_again_at:
            return []
        calls = [_TAKE.call([_key(name)], quota.limit, quota.window_s) for name, quota in wanted]
        try:
            replies = self._line.exchange(calls)
        except BusUnavailable as error:
            self._give_up_for_now(error)
            return []
        return [
            Reading(quota, bool(taken), remaining, math.ceil(wait_ms / 1000))
            for (_, quota), (taken, remaining, wait_ms) in zip(wanted, replies, strict=True)
        ]

    def missing(self, wanted: Sequence[tuple[str, Quota]]) -> list[int]:
        """How many units each bucket lacks: what was taken lately. Raises BusUnavailable."""
        return self._line.exchange([_MISSING.call([_key(name)], quota.limit, quota.window_s) for name, quota in wanted])

    def close(self) -> None:
        self._line.close()

    def _give_up_for_now(self, error: BusUnavailable) -> None:
        now = time.monotonic()
        self._ask_again_at = now + _PAUSE_S
        if now >= self._warn_again_at:
            self._warn_again_at = now + _WARN_EVERY_S
            logger.warning("calls of the API are not limited: %s", error)


def _key(name: str) -> str:
    # Each bucket is its own hash tag: on a Cluster they are spread over the servers.
    return f"fh:{{{name}}}:bucket"
