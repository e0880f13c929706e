"""How one tenant stands in this process, judged by what it uses in all of them together. Pure: the time is passed in.

Every process knows its own part of a tenant's use at once, and that of the others as of about a second ago. From both
follow, once a second, how many sessions it may open until the next look, and its share of the tenant's messages.

*Sessions.* What is free is divided evenly among the processes, each part rounded up. Processes that open sessions at
the same moment may so go beyond the quota by one each, and by what they did not know of each other yet.

*Messages.* While the tenant as a whole stays within its pace, a process may take in what the others leave. When it
does not, each gets the part of the pace that it has of the load, and the shares add up to the quota. A load that jumps
is taken in at most for the second until the others know, in each process up to the tenant's whole pace, beside the
burst.
"""

from __future__ import annotations

from dataclasses import dataclass

from flexhub.bus import TenantUse
from flexhub.gateway.pace import FLOOD_S, Pace, Verdict
from tenants.quota_table import Quantity, reached

# What a tenant may send at once after a pause, as a time at its pace: all processes together so much, each of them
# the second figure at least.
BURST_S = 10
_LEAST_BURST_S = 1
# Of the load, how much the last look counts; the rest is what was known before. One second alone says little about
# devices that speak every few seconds.
_FRESH = 0.5


@dataclass(frozen=True, slots=True)
class Allowance:
    """A tenant's quotas, as far as gateways judge by them."""

    sessions: int
    messages_per_s: int


def session_room(quota: int, *, here: int, elsewhere: int, processes: int) -> int:
    """How many sessions this process may open until the next look; negative where it has too many."""
    return -((here + elsewhere - quota) // processes)


def rate_share(quota: float, *, here: float, elsewhere: float) -> float:
    """How much of the tenant's messages a second this process may take in, by the load here and elsewhere."""
    load = here + elsewhere
    left = quota - elsewhere
    return max(left, quota * here / load) if load > 0 else quota


class SessionQuotaReached(Exception):
    """The tenant has as many sessions as it may have. The text is for whoever is refused."""

    def __init__(self, quota: int) -> None:
        super().__init__(reached(Quantity.SESSIONS, quota))


class TenantLoad:
    """One tenant in one process. `sessions` are those that it has here."""

    __slots__ = ("_counted", "_looked_at_s", "_pace", "_room", "allowance", "rate", "sessions")

    def __init__(self, allowance: Allowance, now_s: float) -> None:
        self.allowance = allowance
        self.sessions = 0
        self.rate = 0.0
        self._counted = 0
        self._looked_at_s = now_s
        self._room = allowance.sessions
        self._pace = Pace(allowance.messages_per_s, BURST_S * allowance.messages_per_s)

    # -- Sessions ------------------------------------------------------------------------------------------------------

    def enter(self) -> bool:
        """A session begins; False where it is one too many. It counts in any case, until it leaves."""
        self.sessions += 1
        self._room -= 1
        return self._room >= 0

    def leave(self) -> None:
        self.sessions -= 1
        self._room += 1

    # -- Messages ------------------------------------------------------------------------------------------------------

    def allows(self, now_s: float) -> bool:
        return self._pace.allows(now_s)

    def count(self, now_s: float) -> Verdict:
        """Take in that a message came at `now_s`."""
        self._counted += 1
        return self._pace.count(now_s)

    def forgive(self, session_messages_per_s: float) -> None:
        """A session was closed for the tenant's flooding: as much of it is forgiven as that session may have sent.

        So the number of those that are closed follows from how much too much it is.
        """
        self._pace.forgive(FLOOD_S * session_messages_per_s)

    # -- The look, about once a second ---------------------------------------------------------------------------------

    def take_stock(self, now_s: float) -> TenantUse:
        """What the tenant uses here, for the others to know."""
        passed_s = now_s - self._looked_at_s
        if passed_s > 0:
            self.rate += _FRESH * (self._counted / passed_s - self.rate)
            self._counted, self._looked_at_s = 0, now_s
        return TenantUse(self.sessions, self.rate)

    def retune(self, elsewhere: TenantUse, processes: int, now_s: float) -> None:
        """Judge from now on by what the tenant uses elsewhere; `processes` are all that live, this one included."""
        sessions, quota = self.allowance.sessions, self.allowance.messages_per_s
        self._room = session_room(sessions, here=self.sessions, elsewhere=elsewhere.sessions, processes=processes)
        share = rate_share(quota, here=self.rate, elsewhere=elsewhere.messages_per_s)
        self._pace.retune(share, quota * max(BURST_S / processes, _LEAST_BURST_S), now_s)

    def rests(self, now_s: float) -> bool:
        """Whether it can be forgotten: a new one would stand no better."""
        return self.sessions == 0 and self._pace.rests(now_s)
