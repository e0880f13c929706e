"""Keeps the demo's processes running, and stops them all.

    supervisor = Supervisor(log_dir, run_dir, print)
    supervisor.add(ProcessSpec(...))
    try:
        supervisor.start_all()
        supervisor.run_until_stopped(on_tick)
    except KeyboardInterrupt:
        ...  # Before it was running.
    finally:
        supervisor.stop()

From `start_all()` to `stop()`, SIGTERM and SIGHUP mean the same as Ctrl-C: they end `run_until_stopped()`, and raise
KeyboardInterrupt in whatever runs before it. All of this belongs in the main thread: Linux ends the children when the
thread that started them ends.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from flexhub.demo.processes import Child, ProcessSpec, end_groups, end_recorded

Report = Callable[[str], None]
_Handler = Callable[[int, FrameType | None], Any] | int | None

# TERM is followed by KILL after this; with the time KILL takes, stopping stays below ten seconds.
STOP_PATIENCE_S = 6.0
# A process that ends at once again and again is started ever more rarely, until it has run for a minute.
FIRST_BACK_OFF_S, LAST_BACK_OFF_S, STEADY_S = 0.5, 30.0, 60.0
_POLL_S = 0.1
_JANITOR_TIMEOUT_S = 2.0


class SupervisorError(RuntimeError):
    """The message is meant for the person who started the demo."""


class ProcessFailed(SupervisorError):
    """A process ended, or took too long, before it was ready. The message ends with the last lines of its log."""


@dataclass(slots=True)
class _Slot:
    """A spec with what runs of it now, and when it may run again."""

    spec: ProcessSpec
    child: Child | None = None
    was_started: bool = False
    back_off_s: float = FIRST_BACK_OFF_S
    due_s: float | None = None


class Supervisor:
    def __init__(self, log_dir: Path, run_dir: Path, report: Report) -> None:
        # The children have a working folder of their own, so the paths must not depend on ours.
        self._log_dir, self._run_dir, self._report = log_dir.absolute(), run_dir.absolute(), report
        self._slots: dict[str, _Slot] = {}
        self._stop_requested = threading.Event()
        self._signalled = self._shielded = False
        self._old_handlers: dict[signal.Signals, _Handler] = {}
        self._janitor: subprocess.Popen[bytes] | None = None
        self._trouble: str | None = None

    def add(self, spec: ProcessSpec) -> None:
        if spec.name in self._slots:
            raise ValueError(f"there is a process {spec.name} already")
        self._slots[spec.name] = _Slot(spec)

    def start_all(self) -> None:
        """Start what was added since the last call and wait until all of it is ready.

        Processes that can tell when they are ready start together; one that cannot waits for all before it. Raises
        ProcessFailed, KeyboardInterrupt.
        """
        self._prepare()
        waiting: list[_Slot] = []
        for slot in [slot for slot in self._slots.values() if not slot.was_started]:
            if slot.spec.ready is None:
                self._await_ready(waiting)
                waiting = []
            self._report(f"starting {slot.spec.name}")
            self._launch(slot, fresh_log=True)
            waiting.append(slot)
        self._await_ready(waiting)

    def start(self, name: str) -> None:
        """Start a process again that has ended; nothing happens to one that runs."""
        slot = self._slots[name]
        if slot.child is None or slot.child.how_it_ended() is not None:
            self._launch(slot, fresh_log=False)

    def pid_of(self, name: str) -> int | None:
        child = self._slots[name].child
        return None if child is None or child.how_it_ended() is not None else child.pid

    def run_until_stopped(self, on_tick: Callable[[], None], *, tick_s: float = 1.0) -> None:
        """Restart what ends, until a signal or `request_stop()` comes. What `on_tick` raises is reported once."""
        next_tick_s = time.monotonic()
        with self._shield():
            while not self._stop_requested.wait(_POLL_S):
                for slot in self._slots.values():
                    self._look_after(slot)
                if time.monotonic() >= next_tick_s:
                    self._tick(on_tick)
                    next_tick_s = time.monotonic() + tick_s

    def request_stop(self) -> None:
        self._stop_requested.set()

    def stop(self) -> None:
        """End all processes, the last one started first, within ten seconds. May be called again."""
        with self._shield():
            self._stop_requested.set()
            children = [slot.child for slot in reversed(self._slots.values()) if slot.child is not None]
            names = {child.group: child.spec.name for child in children}
            for group in end_groups(list(names), patience_s=STOP_PATIENCE_S):
                self._report(f"{names[group]} did not stop by itself and was killed")
            for child in children:
                child.forget()
            for slot in self._slots.values():
                slot.child, slot.due_s, slot.was_started = None, None, False
            self._dismiss_janitor()
        for number, handler in self._old_handlers.items():
            signal.signal(number, handler)
        self._old_handlers = {}

    def _prepare(self) -> None:
        if self._janitor is not None:
            return
        self._log_dir.mkdir(parents=True, exist_ok=True)
        self._run_dir.mkdir(parents=True, exist_ok=True)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            self._old_handlers[number] = signal.signal(number, self._on_signal)
        end_recorded(self._run_dir, self._report)
        with self._shield():
            self._janitor = subprocess.Popen(  # noqa: S603 - Our own module.
                [sys.executable, "-m", "flexhub.demo.janitor", str(self._run_dir)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._signalled = True
        self._stop_requested.set()
        if not self._shielded:
            raise KeyboardInterrupt

    @contextmanager
    def _shield(self) -> Iterator[None]:
        """Within, a signal is only noted: a child must not start without being known, nor stopping be cut short."""
        outer, self._shielded = self._shielded, True
        try:
            yield
        finally:
            self._shielded = outer

    def _launch(self, slot: _Slot, *, fresh_log: bool) -> None:
        log = self._log_dir / f"{slot.spec.name}.log"
        slot.was_started = True
        with self._shield():
            slot.child, slot.due_s = Child(slot.spec, log, self._run_dir, fresh_log=fresh_log), None
        if self._signalled and not self._shielded:
            raise KeyboardInterrupt

    def _await_ready(self, slots: Sequence[_Slot]) -> None:
        for slot in slots:
            child = slot.child
            if child is not None and slot.spec.ready is not None:
                self._await_child(child, slot.spec.ready)

    def _await_child(self, child: Child, ready: Callable[[], bool]) -> None:
        name = child.spec.name
        while not _is_ready(ready):
            if (how := child.how_it_ended()) is not None:
                raise ProcessFailed(f"{name} {how} before it was ready. The end of {child.log}:\n{child.log_tail()}")
            if child.lived_s() > child.spec.ready_timeout_s:
                why = f"was not ready after {child.spec.ready_timeout_s:g} s"
                raise ProcessFailed(f"{name} {why}. The end of {child.log}:\n{child.log_tail()}")
            time.sleep(_POLL_S)
        self._report(f"{name} is ready after {child.lived_s():.1f} s")

    def _look_after(self, slot: _Slot) -> None:
        child = slot.child
        if child is None:
            if slot.due_s is not None and time.monotonic() >= slot.due_s:
                self._launch(slot, fresh_log=False)
        elif (how := child.how_it_ended()) is not None:
            self._bury(slot, child, how)

    def _bury(self, slot: _Slot, child: Child, how: str) -> None:
        """The leader has ended; what it started goes too, or a restart would find its place taken."""
        end_groups([child.group], patience_s=1.0)
        child.forget()
        slot.child = None
        if not slot.spec.restart:
            self._report(f"{slot.spec.name} {how}; see {child.log}")
            return
        if child.lived_s() >= STEADY_S:
            slot.back_off_s = FIRST_BACK_OFF_S
        self._report(f"{slot.spec.name} {how}; starting it again in {slot.back_off_s:g} s")
        slot.due_s = time.monotonic() + slot.back_off_s
        slot.back_off_s = min(slot.back_off_s * 2, LAST_BACK_OFF_S)

    def _tick(self, on_tick: Callable[[], None]) -> None:
        try:
            on_tick()
        except Exception as error:  # noqa: BLE001 - A service that is away for a while must not end the demo.
            trouble = f"{type(error).__name__}: {error}"
            if self._trouble is None:
                self._report(f"in trouble: {trouble}")
            self._trouble = trouble
        else:
            if self._trouble is not None:
                self._report("out of trouble again")
            self._trouble = None

    def _dismiss_janitor(self) -> None:
        if self._janitor is None:
            return
        try:
            # Closes its standard input and waits for it.
            self._janitor.communicate(timeout=_JANITOR_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._janitor.kill()
            self._janitor.communicate()
        self._janitor = None


def _is_ready(ready: Callable[[], bool]) -> bool:
    try:
        return ready()
    except Exception:  # noqa: BLE001 - Refused connections and half-started servers fail in many ways; all mean no.
        return False
