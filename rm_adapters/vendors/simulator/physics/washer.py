"""A washing machine: washing, which can be paused, and then spinning, which cannot.

Its owner has filled it and wants the laundry by a time. Left to itself it begins each part at the last moment that
keeps to that, so that somebody else may find a better one before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

_ZERO = timedelta()

#: Wet laundry does not lie longer than this.
_LONGEST_PAUSE = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of the program: what it needs over its time, and how far it has come."""

    name: str
    pieces: tuple[tuple[float, float], ...]  # (minutes, W)
    state: str = "waiting"  # waiting, running, paused, finished
    done: timedelta = _ZERO
    finished_at: datetime | None = None

    @property
    def length(self) -> timedelta:
        return timedelta(minutes=sum(minutes for minutes, _ in self.pieces))

    @property
    def left(self) -> timedelta:
        return self.length - self.done

    @property
    def power_w(self) -> float:
        if self.state != "running":
            return 0.0
        return next((power_w for begin, end, power_w in self._spans() if begin <= self.done < end), 0.0)

    def run(self, span: timedelta, now: datetime) -> tuple[Part, float]:
        """The part after running on for a while that it has left, and the energy that took, in Wh."""
        done = self.done + span
        energy_wh = sum(
            max(_ZERO, min(end, done) - max(begin, self.done)) / timedelta(hours=1) * power_w
            for begin, end, power_w in self._spans()
        )
        if done < self.length:
            return replace(self, done=done), energy_wh
        return replace(self, done=done, state="finished", finished_at=now), energy_wh

    def _spans(self) -> Iterator[tuple[timedelta, timedelta, float]]:
        begin = _ZERO
        for minutes, power_w in self.pieces:
            end = begin + timedelta(minutes=minutes)
            yield begin, end, power_w
            begin = end


WASH = Part(name="wash", pieces=((30.0, 2000.0), (60.0, 150.0)))
SPIN = Part(name="spin", pieces=((15.0, 500.0), (5.0, 50.0)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Washer:
    """`filled_at` tells one program from the next."""

    at: datetime
    filled_at: datetime
    ready_by: datetime
    wash: Part = WASH
    spin: Part = SPIN
    drawn_wh: float = 0.0

    def advance(self, until: datetime) -> Washer:
        """From one event to the next: a part ends, or the machine cannot wait any longer."""
        machine = self
        while machine.at < until:
            machine = machine.begin_by_itself()
            machine = machine.run_to(min([until, *machine.events()]))
        return machine.begin_by_itself()

    def told(self, setting: Mapping[str, Any], now: datetime) -> Washer:
        """`start`, `pause` or `resume` a part; what makes no sense now is ignored, as by the real ones."""
        after = self.advance(now)
        name = str(setting["part"])
        part = after.part(name)
        match setting["action"], part.state:
            case "start", "waiting" if name == "wash" or after.wash.state == "finished":
                part = replace(part, state="running")
            case "pause", "running" if name == "wash":
                part = replace(part, state="paused")
            case "resume", "paused":
                part = replace(part, state="running")
        return after.with_part(part)

    def filled(self, now: datetime, ready_by: datetime) -> Washer:
        """The owner has taken the laundry out and filled the machine again."""
        return replace(self.advance(now), filled_at=now, ready_by=ready_by, wash=WASH, spin=SPIN)

    def readings(self) -> dict[str, Any]:
        return {
            "power": self.wash.power_w + self.spin.power_w,
            "filled_at": self.filled_at.isoformat(),
            "ready_by": self.ready_by.isoformat(),
            "parts": {
                part.name: {"state": part.state, "done_s": part.done.total_seconds()} for part in (self.wash, self.spin)
            },
        }

    def part(self, name: str) -> Part:
        return self.wash if name == "wash" else self.spin

    def with_part(self, part: Part) -> Washer:
        return replace(self, wash=part) if part.name == "wash" else replace(self, spin=part)

    def _own_start(self) -> tuple[Part, datetime] | None:
        """The part that waits, and the last moment to which it can."""
        if self.wash.state in ("waiting", "paused"):
            return self.wash, self.ready_by - self.wash.left - self.spin.left
        if self.wash.finished_at is not None and self.spin.state == "waiting":
            return self.spin, min(self.ready_by - self.spin.left, self.wash.finished_at + _LONGEST_PAUSE)
        return None

    def begin_by_itself(self) -> Washer:
        own = self._own_start()
        if own is None or own[1] > self.at:
            return self
        return self.with_part(replace(own[0], state="running"))

    def events(self) -> Iterator[datetime]:
        running = self._running()
        if running is not None:
            yield self.at + running.left
        own = self._own_start()
        if own is not None:
            yield own[1]

    def _running(self) -> Part | None:
        return next((part for part in (self.wash, self.spin) if part.state == "running"), None)

    def run_to(self, moment: datetime) -> Washer:
        running = self._running()
        if running is None:
            return replace(self, at=moment)
        part, energy_wh = running.run(moment - self.at, moment)
        return replace(self.with_part(part), at=moment, drawn_wh=self.drawn_wh + energy_wh)
