"""A dishwasher: filled once a day, to be done by a time; its programs cannot be paused once they run."""

from __future__ import annotations

from dataclasses import dataclass, field

from flexhub.demo.physics.cell import Cell
from flexhub.demo.physics.ev import DAY_MIN
from flexhub.demo.physics.states import state

WASH = ((300.0, 60.0), (720.0, 2200.0), (780.0, 150.0), (480.0, 2100.0), (420.0, 60.0))
WASH_SHORT = ((300.0, 60.0), (660.0, 2200.0), (540.0, 150.0), (480.0, 2000.0))
DRY = ((600.0, 800.0), (120.0, 60.0))
Part = tuple[tuple[float, float], ...]  # (seconds, W) one after the other


@dataclass(slots=True)
class Dishwasher:
    """`parts` run in order. Left alone, each starts once its patience ends; under control, when its time has come.

    `starts_s` holds when each part is to start or has started; None = nobody has said so yet.
    """

    parts: tuple[Part, ...]
    ready_min: float  # of the local day
    window_s: float  # from ready until it has to be done
    first_window_s: float | None = None  # set: filled at the very beginning too, with this window
    max_pause_s: float = 1800.0
    patience_s: float = 0.0  # how long a filled machine waits for somebody to take control
    run: int = state(0)  # counts fillings, so that each has a name of its own
    ready_s: float | None = state(None)
    starts_s: list[float | None] = field(default_factory=list, metadata={"state": True})
    late_s: float = state(0.0)
    last_begin_s: float | None = state(None)
    controlled: bool = False

    @property
    def filled(self) -> bool:
        return self.ready_s is not None

    @property
    def deadline_s(self) -> float:
        window_s = self.first_window_s if self.run == 1 and self.first_window_s is not None else self.window_s
        return (self.ready_s or 0.0) + window_s

    def duration_s(self, part: int) -> float:
        return sum(seconds for seconds, _ in self.parts[part])

    def end_s(self, part: int) -> float | None:
        start_s = self.starts_s[part]
        return None if start_s is None else start_s + self.duration_s(part)

    def started(self, part: int, at_s: float) -> bool:
        start_s = self.starts_s[part]
        return start_s is not None and start_s <= at_s

    def finished(self, part: int, at_s: float) -> bool:
        return self.started(part, at_s) and at_s >= (self.end_s(part) or 0.0)

    def earliest_s(self, part: int) -> float | None:
        """Not before the previous part is done; None while that has no time yet."""
        return self.ready_s if part == 0 else self.end_s(part - 1)

    def latest_s(self, part: int) -> float:
        """The last moment at which everything that is left still makes the deadline."""
        latest_s = self.deadline_s - sum(self.duration_s(each) for each in range(part, len(self.parts)))
        previous_end_s = self.end_s(part - 1) if part else None
        return latest_s if previous_end_s is None else min(latest_s, previous_end_s + self.max_pause_s)

    def begin(self, cell: Cell) -> None:
        now_s = cell.start_s
        if self._filled_now(cell):
            self.run += 1
            self.ready_s = now_s
            self.starts_s = [None] * len(self.parts)
        self.last_begin_s = now_s
        if self.filled:
            self._start_what_is_due(now_s)
            if self.finished(len(self.parts) - 1, now_s):
                self.late_s += max(0.0, now_s - self.deadline_s)
                self.ready_s = None

    def _filled_now(self, cell: Cell) -> bool:
        if self.filled:
            return False
        if self.last_begin_s is None:
            return self.first_window_s is not None
        since_ready_s = (cell.minute_of_day - self.ready_min) % DAY_MIN * 60
        return since_ready_s < cell.start_s - self.last_begin_s

    def _start_what_is_due(self, now_s: float) -> None:
        """The machine starts by itself when nobody controls it, and when waiting longer would make it late."""
        for part in range(len(self.parts)):
            if self.started(part, now_s):
                continue
            earliest_s = self.earliest_s(part)
            ready = earliest_s is not None and earliest_s <= now_s
            alone = not self.controlled and now_s >= (self.ready_s or 0.0) + self.patience_s
            if ready and (alone or now_s >= self.latest_s(part)):
                self.starts_s[part] = now_s
            return

    def power_w(self, cell: Cell, dt_s: float) -> float:
        """Element edges lie on the grid, as do the starts by itself; an ordered start between is averaged over."""
        if not self.filled:
            return 0.0
        total_ws = 0.0
        for elements, start_s in zip(self.parts, self.starts_s, strict=True):
            at_s = cell.start_s + dt_s if start_s is None else start_s
            for seconds, power_w in elements:
                overlap_s = min(at_s + seconds, cell.start_s + dt_s) - max(at_s, cell.start_s)
                total_ws += power_w * max(0.0, overlap_s)
                at_s += seconds
        return total_ws / dt_s if dt_s > 0 else 0.0

    def step(self, cell: Cell, dt_s: float) -> float:
        return self.power_w(cell, dt_s)

    def minimum_w(self, cell: Cell, dt_s: float) -> float:
        """What runs has to run on."""
        return self.power_w(cell, dt_s)
