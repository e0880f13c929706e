"""For how long the hosted CEM has not looked at a site. Pure: what was read is passed in, once a round.

Each look of a worker leaves another mark (`ports.WorkerBus.site_lock`). Time is counted in rounds in which a mark
stayed the same, so that a process that stood still, or was far behind, has seen nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID


@dataclass(slots=True)
class _Heard:
    mark: str | None
    rounds: int = 0


class Silence:
    """`rounds` without a look make a site silent; `ask_from` of them make it one that wants to be woken."""

    def __init__(self, rounds: int, ask_from: int) -> None:
        self._rounds = rounds
        self._ask_from = ask_from
        self._sites: dict[UUID, _Heard] = {}
        # Workers of a release before this one leave no marks, and must not be taken for dead.
        self._marks_are_left = False
        self._nothing_read = False

    def hear(self, marks: Mapping[UUID, str | None]) -> None:
        """A round: the marks of all sites that count now; the others are forgotten."""
        self._marks_are_left = self._marks_are_left or any(mark is not None for mark in marks.values())
        # While Redis was away no worker could look; now that it is back, each has time to show that it lives.
        most = self._ask_from if self._nothing_read else self._rounds
        self._nothing_read = False
        self._sites = {site_id: self._heard(site_id, mark, most) for site_id, mark in marks.items()}

    def hear_nothing(self) -> None:
        """A round in which the marks could not be read: whatever the reason, nobody can have instructed anybody."""
        self._nothing_read = True
        for heard in self._sites.values():
            heard.rounds += 1

    def to_wake(self) -> list[UUID]:
        """Sites that nobody has looked at for a while, maybe because nothing has happened there."""
        return self._silent_for(self._ask_from)

    def silent(self) -> list[UUID]:
        return self._silent_for(self._rounds) if self._marks_are_left else []

    def _heard(self, site_id: UUID, mark: str | None, most: int) -> _Heard:
        heard = self._sites.get(site_id)
        # Without a mark Redis came back empty, which is no sign of life.
        if heard is None or (mark is not None and mark != heard.mark):
            return _Heard(mark)
        heard.rounds = min(heard.rounds + 1, most)
        return heard

    def _silent_for(self, rounds: int) -> list[UUID]:
        return [site_id for site_id, heard in self._sites.items() if heard.rounds >= rounds]
