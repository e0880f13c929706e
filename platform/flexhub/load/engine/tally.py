"""What was counted. Adds up over lines and over processes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, fields
from typing import Any

from flexhub.load.engine.histogram import Histogram


@dataclass(slots=True)
class Tally:
    """Counts of one run. Messages are those of the mix; what opens a session is not among them.

    `sessions`: asked for. `opened`: sessions that came up at least once; `reopened`: times that one came up again.
    `controlled`: sessions for which a control type was selected.
    `acknowledged` + `refused` + `unanswered` + `cut_off` = `sent`, once the run is over: answered OK, answered with
    something else for good, not answered in time, and still without answer when their connection ended.
    `temporary`: TEMPORARY_ERRORs, after which the same message is sent again. `held_back`: turns at which a session
    could not take a message, because its socket or its window was full or it was not open.
    `refusals` are connection attempts that failed and `closes` connections that ended, each by what ended it;
    `asked_to_reconnect` are polite ends, and `given_up` sessions that were told something that repeating cannot mend.
    """

    sessions: int = 0
    opened: int = 0
    reopened: int = 0
    controlled: int = 0
    given_up: int = 0
    sent: int = 0
    acknowledged: int = 0
    temporary: int = 0
    unanswered: int = 0
    cut_off: int = 0
    held_back: int = 0
    asked_to_reconnect: int = 0
    instructions: int = 0
    connecting_s: float = 0.0
    measuring_s: float = 0.0
    cpu_s: float = 0.0
    behind_s: float = 0.0
    refused: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    closes: Counter[str] = field(default_factory=Counter)
    findings: Counter[str] = field(default_factory=Counter)
    opening: Histogram = field(default_factory=Histogram)
    answering: Histogram = field(default_factory=Histogram)

    @property
    def lost(self) -> int:
        """Sent, and never answered."""
        return self.unanswered + self.cut_off

    @property
    def clean(self) -> bool:
        """Every session came up, and all that was sent was acknowledged."""
        return self.opened == self.sessions and not self.lost and not self.refused and not self.closes

    def add(self, other: Tally) -> None:
        """Take in what another part of the same run counted at the same time."""
        for each in fields(self):
            ours, theirs = getattr(self, each.name), getattr(other, each.name)
            if isinstance(ours, Histogram):
                ours.merge(theirs)
            elif isinstance(ours, Counter):
                ours.update(theirs)
            elif each.name in _AT_THE_SAME_TIME:
                setattr(self, each.name, max(ours, theirs))
            else:
                setattr(self, each.name, ours + theirs)

    def as_dict(self) -> dict[str, Any]:
        """For another process."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: each.as_dict() if isinstance(each, Histogram) else each for name, each in values.items()}

    @classmethod
    def of(cls, values: dict[str, Any]) -> Tally:
        """The inverse of `as_dict`."""
        read = dict(values)
        for name in ("opening", "answering"):
            read[name] = Histogram.of(**read[name])
        for name in ("refused", "refusals", "closes", "findings"):
            read[name] = Counter(read[name])
        return cls(**read)


_AT_THE_SAME_TIME = frozenset({"connecting_s", "measuring_s", "behind_s"})
