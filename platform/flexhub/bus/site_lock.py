"""What a worker finds that asks to be the only one at work for a site or a hosted node."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class SiteLock:
    """True where it is `ours`.

    `was_awaited`: a task was on its way, so something may have been said for the sake of which it will come.
    `last_look` tells the latest look of the CEM at the site from the one before; None where there was none. Whoever has
    looked at the site sets `looked`, and the mark changes when the lock is given back.
    """

    ours: bool
    was_awaited: bool
    last_look: str | None
    looked: bool = False

    def __bool__(self) -> bool:
        return self.ours
