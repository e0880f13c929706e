"""A child process of the demo: in a process group of its own, its output in a file, known to later runs.

Nothing may be left behind, whatever ends the demo. Three things see to that: the supervisor's own `stop()`; the
janitor, which notices that the supervisor was killed; and the records here, by which the next run ends what both
missed. A record holds a pid with its start time, since the pid alone may have passed to another program.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from flexhub.embedded.processes import TETHER, wait_until

# Every descendant inherits it, so that a group is recognised even when its first process has ended.
MARK = "FLEXHUB_DEMO_RUN"
# Seconds by which two readings of one start time differ when the machine's clock was adjusted in between.
_START_TIME_TOLERANCE_S = 2.0
_REAP_TIMEOUT_S = 1.0
_EXEC_S = 0.2


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """What to run. `env` adds to our environment. Without `ready` it counts as ready once it runs."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    ready: Callable[[], bool] | None = None
    restart: bool = True
    ready_timeout_s: float = 120.0


class Child:
    """A running process of a spec. It ends with the thread that starts it (Linux)."""

    def __init__(self, spec: ProcessSpec, log: Path, run_dir: Path, *, fresh_log: bool) -> None:
        self.spec = spec
        self.log = log
        self.started_s = time.monotonic()
        argv = [sys.executable, "-I", "-S", str(TETHER), "--folder", str(Path.cwd()), "--parent", str(os.getpid())]
        with log.open("wb" if fresh_log else "ab") as output:
            self._popen = subprocess.Popen(  # noqa: S603 - The command is the demo's own.
                [*argv, "--", *spec.argv],
                env=os.environ | spec.env | {MARK: str(run_dir)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.group = Group(self._popen.pid, str(run_dir))
        self._record = Record(run_dir / f"{spec.name}.pid", spec.name, self._popen.pid, _start_time(self._popen.pid))
        self._record.write()

    @property
    def pid(self) -> int:
        return self._popen.pid

    def lived_s(self) -> float:
        return time.monotonic() - self.started_s

    def how_it_ended(self) -> str | None:
        """None while it runs."""
        code = self._popen.poll()
        if code is None:
            return None
        return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"

    def forget(self) -> None:
        """To be called when nothing of it runs any more."""
        with suppress(subprocess.TimeoutExpired):
            self._popen.wait(_REAP_TIMEOUT_S)
        self._record.path.unlink(missing_ok=True)

    def log_tail(self, lines: int = 12) -> str:
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


@dataclass(frozen=True, slots=True)
class Group:
    """A process group that a child leads or led."""

    pgid: int
    mark: str

    def members(self) -> list[psutil.Process]:
        """Those that run, the leader first."""
        return members_of([self])[self]

    def holds(self, process: psutil.Process) -> bool:
        """Whether a process with this group's number runs and is ours."""
        try:
            # A zombie is only waiting to be reaped and counts as ended.
            if process.status() == psutil.STATUS_ZOMBIE:
                return False
            environment = _environment_of(process)
            return not environment or environment.get(MARK) == self.mark
        except psutil.Error:
            return False


def members_of(groups: Sequence[Group]) -> dict[Group, list[psutil.Process]]:
    """What runs of each group, in one look at the process table."""
    found: dict[Group, list[psutil.Process]] = {group: [] for group in groups}
    by_pgid = {group.pgid: group for group in groups}
    for pid in psutil.pids():
        with suppress(ProcessLookupError, PermissionError, psutil.NoSuchProcess):
            group = by_pgid.get(os.getpgid(pid))
            if group is not None and group.holds(process := psutil.Process(pid)):
                found[group].append(process)
    for group, members in found.items():
        members.sort(key=lambda process: process.pid != group.pgid)
    return found


@dataclass(frozen=True, slots=True)
class Record:
    path: Path
    name: str
    pid: int
    start_time: float

    def write(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(
            json.dumps({"name": self.name, "pid": self.pid, "start_time": self.start_time}), encoding="utf-8"
        )

    @classmethod
    def read(cls, path: Path) -> Record | None:
        """None for a file that was cut short or is not ours."""
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            return cls(path, str(content["name"]), int(content["pid"]), float(content["start_time"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def is_reused(self) -> bool:
        """Whether its pid now belongs to another program."""
        found = _start_time(self.pid)
        return found != 0.0 and abs(found - self.start_time) > _START_TIME_TOLERANCE_S


def end_groups(groups: Sequence[Group], *, patience_s: float) -> list[Group]:
    """TERM to each group, KILL to what is left of it after `patience_s`. Returns the groups that needed KILL.

    TERM goes to the leader alone, which knows best how to end its own children; to the others only when there is no
    leader (any more).
    """
    asked: set[psutil.Process] = set()
    leaders = {group.pgid for group in groups}

    def ask_and_look() -> bool:
        alive = [members for members in members_of(groups).values() if members]
        for members in alive:
            for process in members[:1] if members[0].pid in leaders else members:
                if process not in asked:
                    asked.add(process)
                    # A paused process would never see the first signal.
                    _send(process, signal.SIGTERM, signal.SIGCONT)
        return not alive

    if wait_until(ask_and_look, patience_s):
        return []
    stubborn = [group for group, members in members_of(groups).items() if members]
    wait_until(lambda: _kill(stubborn), 2.0)
    return stubborn


def _kill(groups: Sequence[Group]) -> bool:
    """KILL to all members; whether there were none left."""
    alive = [process for members in members_of(groups).values() for process in members]
    for process in alive:
        _send(process, signal.SIGKILL)
    return not alive


def _send(process: psutil.Process, *numbers: signal.Signals) -> None:
    with suppress(psutil.NoSuchProcess):
        for number in numbers:
            process.send_signal(number)


def end_recorded(run_dir: Path, report: Callable[[str], None], *, patience_s: float = 4.0) -> None:
    """End what an earlier run has left, and remove its records."""
    records = {path: Record.read(path) for path in sorted(run_dir.glob("*.pid"))}
    alive: list[Group] = []
    for record in records.values():
        group = Group(record.pid, str(run_dir)) if record and not record.is_reused() else None
        if record and group and group.members():
            report(f"ending {record.name} (pid {record.pid}), left over from an earlier run")
            alive.append(group)
    end_groups(alive, patience_s=patience_s)
    for path, record in records.items():
        # A next run may have written its own in the meantime.
        if Record.read(path) == record:
            path.unlink(missing_ok=True)


def _environment_of(process: psutil.Process) -> dict[str, str]:
    """For an instant within exec the kernel shows none, although the starter has been told of success by then."""
    environment: dict[str, str] = {}
    deadline = time.monotonic() + _EXEC_S
    while not environment and time.monotonic() < deadline:
        environment = process.environ()
    return environment


def _start_time(pid: int) -> float:
    try:
        return psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return 0.0
