"""All lines of one process: they dial at one rate, speak at another, wait for their last answers, and leave.

Messages leave by the schedule and not by the answers: a server that stops answering is sent as much as before, and its
latencies count in full. Where this process falls behind its schedule itself, it says by how much.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import inf
from pathlib import Path
from time import monotonic, process_time

from flexhub.load.engine.line import PATIENCE_S, Line, Stage
from flexhub.load.engine.mix import Kind
from flexhub.load.engine.record import Record
from flexhub.load.engine.socket import CLOSE_TIMEOUT_S
from flexhub.load.engine.tally import Tally
from flexhub.load.engine.targets import Target
from s2.messages import EnergyManagementRole

BEAT_S = 0.01
# A tenth of a second late is early enough for what S2 measures in seconds.
TICK_EVERY_S = 1.0
# What could not be sent for longer than this is not sent at all: a burst would measure the burst.
MOST_BEHIND_S = 1.0
# A message that was answered TEMPORARY_ERROR is sent three times more, 7 s after the first.
RETRIES_S = 8.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What one process does. Rates are a second; `seconds` counts from when all sessions have opened.

    They stay open for `linger_s` after their last answers. `record` names a file for what was acknowledged OK.
    """

    url: str
    turns: tuple[Kind, ...]
    rate: float
    connect_rate: float
    seconds: float
    ack_timeout_s: float = 10.0
    verifies_certificates: bool = True
    linger_s: float = 0.0
    record: Path | None = None


class Crowd:
    """One run. Make a new one for another."""

    def __init__(self, plan: Plan, targets: Sequence[Target]) -> None:
        self._plan = plan
        self._record = Record(plan.record) if plan.record is not None else None
        self._stage = Stage(plan.url, plan.ack_timeout_s, _tls(plan), self._record)
        self._stage.tally.sessions = len(targets)
        self._lines = [Line(each, plan.turns, place, self._stage) for place, each in enumerate(targets)]
        self._speakers = [line for line in self._lines if line.target.role is EnergyManagementRole.RM]
        self._ticked = 0
        self._places = 0

    async def run(self, stop: asyncio.Event) -> Tally:
        """Until the time is over or `stop` is set; everything that was counted until then."""
        tally = self._stage.tally
        cpu_s = process_time()
        self._stage.started_at = monotonic()
        await self._connect(stop)
        if tally.opened and not stop.is_set():
            await self._speak(stop)
            await self._hear_out(stop)
            await self._linger(stop)
        await self._leave(in_time=not stop.is_set())
        if self._record is not None:
            self._record.close()
        tally.cpu_s = process_time() - cpu_s
        return tally

    # -- The parts of a run --------------------------------------------------------------------------------------------

    async def _connect(self, stop: asyncio.Event) -> None:
        tally, lines, rate = self._stage.tally, self._lines, self._plan.connect_rate
        started, dialled = monotonic(), 0
        latest = started + len(lines) / rate + PATIENCE_S
        async for now in self._beats(latest, stop):
            due = min(len(lines), int((now - started) * rate) + 1)
            for line in lines[dialled:due]:
                line.dial()
            dialled = due
            if tally.opened + tally.given_up >= len(lines):
                return

    async def _speak(self, stop: asyncio.Event) -> None:
        tally, plan = self._stage.tally, self._plan
        started, done = monotonic(), 0
        async for now in self._beats(started + plan.seconds, stop):
            due = int(min(now - started, plan.seconds) * plan.rate)
            if due > done:
                tally.behind_s = max(tally.behind_s, now - started - (done + 1) / plan.rate)
                too_late = max(0, due - done - int(MOST_BEHIND_S * plan.rate) - 1)
                tally.held_back += too_late
                self._report(due - done - too_late)
                done = due
        tally.measuring_s = min(monotonic() - started, plan.seconds)

    def _report(self, number: int) -> None:
        for _ in range(number if self._speakers else 0):
            self._speakers[self._places % len(self._speakers)].report()
            self._places += 1

    async def _hear_out(self, stop: asyncio.Event) -> None:
        latest = monotonic() + self._plan.ack_timeout_s + RETRIES_S
        async for _ in self._beats(latest, stop):
            if not any(line.waiting for line in self._speakers):
                return

    async def _linger(self, stop: asyncio.Event) -> None:
        if self._record is not None:
            self._record.heard_out()
        async for _ in self._beats(monotonic() + self._plan.linger_s, stop):
            pass

    async def _leave(self, *, in_time: bool) -> None:
        stage = self._stage
        stage.over = True
        for line in self._lines:
            line.leave(in_time=in_time)
        for task in list(stage.tasks):
            task.cancel()
        await asyncio.gather(*stage.tasks, return_exceptions=True)
        latest = monotonic() + CLOSE_TIMEOUT_S
        async for now in self._beats(latest, asyncio.Event()):
            if now >= latest or not any(line.connected for line in self._lines):
                break
        for line in self._lines:
            line.abort()
        await asyncio.sleep(0)

    async def _beats(self, until: float, stop: asyncio.Event) -> AsyncIterator[float]:
        """The time, every hundredth of a second; meanwhile each line gets its tick in turn."""
        last = -inf
        while not stop.is_set():
            now = monotonic()
            yield now
            if now >= until:
                return
            self._tick(min(now - last, TICK_EVERY_S))
            if self._record is not None:
                self._record.flush()
            last = now
            await asyncio.sleep(BEAT_S)

    def _tick(self, passed_s: float) -> None:
        number = min(len(self._lines), int(passed_s / TICK_EVERY_S * len(self._lines)) + 1)
        now = datetime.now(UTC)
        for place in range(self._ticked, self._ticked + number):
            self._lines[place % len(self._lines)].tick(now)
        self._ticked = (self._ticked + number) % len(self._lines)


def _tls(plan: Plan) -> ssl.SSLContext | None:
    if not plan.url.startswith("wss:"):
        return None
    context = ssl.create_default_context()
    if not plan.verifies_certificates:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
