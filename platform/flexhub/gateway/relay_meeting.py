"""What one end of a relayed link knows of the other, and what it has told it (see the theory in `relay`)."""

from __future__ import annotations

from datetime import datetime, timedelta

from flexhub.bus import SeatAddress
from flexhub.bus.envelope import EnvelopeKind
from flexhub.gateway.relay_mail import Outstanding, Parcel


class Meeting:
    """The way to the far end's session, and whether both are ready to speak.

    `engaged`: something went to that session or came from it. `leaving`: this end's session is over or about to be.
    """

    __slots__ = (
        "_absence",
        "_absent_since",
        "_far",
        "_far_ready",
        "_newest",
        "_parcels",
        "_patience",
        "_refused_at",
        "_silent",
        "engaged",
        "leaving",
    )

    def __init__(self, absence: timedelta, patience: timedelta) -> None:
        self._absence = absence
        self._patience = patience
        self._parcels: list[Parcel] = []
        self._far: SeatAddress | None = None
        self._far_ready = False
        # It has a seat, but let our peer wait for too long.
        self._silent = False
        self._newest = 0
        self._absent_since: datetime | None = None
        self._refused_at: datetime | None = None
        self.engaged = False
        self.leaving = False

    @property
    def ready(self) -> bool:
        return not self.leaving and self._refused_at is None

    @property
    def flows(self) -> bool:
        """Whether what the peer says may be passed on."""
        return self._far_ready and self.ready

    @property
    def far_is_there(self) -> bool:
        return self._far is not None and not self._silent

    @property
    def far_token(self) -> int | None:
        return None if self._far is None else self._far.token

    def start(self, now: datetime) -> None:
        self._absent_since = now

    def is_with(self, far: SeatAddress) -> bool:
        return self._far is not None and self._far.token == far.token

    def post(self, kind: EnvelopeKind, payload: str, message_id: str = "") -> None:
        if self._far is not None:
            self._parcels.append(Parcel(self._far, kind, payload, message_id))

    def take_parcels(self) -> list[Parcel]:
        parcels, self._parcels = self._parcels, []
        return parcels

    def say_hello(self) -> None:
        self.post("hello", "ready" if self.ready else "")

    def find(self, far: SeatAddress | None) -> None:
        """What the directory knew of the far end after our seat was taken."""
        if far is not None and far.token > self._newest:
            self._newest, self._far, self._far_ready = far.token, far, False
            self.say_hello()

    def is_stale(self, far: SeatAddress) -> bool:
        """Whether a later session of the far end is known."""
        return far.token < self._newest

    def greet(self, far: SeatAddress, *, ready: bool) -> bool:
        """Take in the far end's hello; True when it is news, and wants an answer."""
        is_news = self._silent or not self.is_with(far)
        self._newest, self._far, self._far_ready, self._silent = far.token, far, ready, False
        return is_news

    def lose(self, now: datetime) -> None:
        """The far end's session is gone."""
        self._far, self._far_ready, self._silent, self._absent_since = None, False, False, now

    def give_up(self, now: datetime) -> None:
        """The far end did not get ready in time: it counts as absent until it says hello."""
        self._silent, self._absent_since = True, now

    def refuse(self, now: datetime) -> None:
        """The peer was answered TEMPORARY_ERROR; before anything counts, the far end has to know that."""
        if self.engaged:
            return
        was_ready, self._refused_at = self.ready, now
        if was_ready:
            self.say_hello()

    def begin_again(self) -> None:
        """The peer says again what was refused, so it starts from the beginning: as good as fresh."""
        if self._refused_at is not None:
            self._refused_at = None
            self.say_hello()

    def held_until(self, held: Outstanding) -> datetime | None:
        """When the peer has to be told that what it says reaches nobody."""
        until = held.next_deadline()
        if until is None or self.far_is_there or self._absent_since is None:
            return until
        return min(until, max(held.oldest, self._absent_since) + self._absence)

    def patience_ends(self) -> datetime | None:
        """When a refused peer that did not say its message again is asked to leave; only while the far end is there."""
        if self._refused_at is None or self.leaving or not self.far_is_there:
            return None
        return self._refused_at + self._patience
