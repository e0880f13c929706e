"""What PostgreSQL and Redis have in common: is it there, does it answer, start it, end it."""

from __future__ import annotations

import enum
import os
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import psutil

from flexhub.embedded import processes
from flexhub.embedded.account import Account
from flexhub.embedded.errors import ServiceNotStarted
from flexhub.embedded.places import Places

# A server that runs but stays silent for so long is half dead. A busy machine needs less than a second.
SILENCE_S = 5.0
# Reading a log after a crash may take its time, as long as the server says so.
STARTING_S = 60.0
LOG_TAIL_LINES = 8


class Answer(enum.Enum):
    READY = enum.auto()
    STARTING = enum.auto()
    SILENT = enum.auto()


@dataclass(frozen=True, slots=True)
class Setting:
    """Where and how a server runs. `tethered`: it ends with its starter. `durable`: it survives a power cut."""

    places: Places
    account: Account
    report: Callable[[str], None]
    tethered: bool = False
    durable: bool = True


class Server(ABC):
    name: ClassVar[str]
    # What ends it cleanly, and how long that may take before it is ended anyway.
    stop_steps: ClassVar[tuple[tuple[signal.Signals, float], ...]]

    def __init__(self, setting: Setting, program: Path) -> None:
        self.setting = setting
        self.program = program

    @property
    @abstractmethod
    def url(self) -> str:
        """How its most powerful user connects."""

    @property
    @abstractmethod
    def mark(self) -> str:
        """The argument on its command line that no other server has."""

    @abstractmethod
    def ask(self) -> Answer:
        """Connect and ask for a sign of life, within two or three seconds."""

    @abstractmethod
    def prepare(self) -> None:
        """Make what the server needs, and remove what a dead one left in the way."""

    @abstractmethod
    def command(self) -> list[str]: ...

    def find(self) -> psutil.Process | None:
        return processes.find_process(self.program.name, self.mark, self.setting.account)

    def ensure_running(self) -> bool:
        """Use the running server, or start one. Returns whether it was started. Raises ServiceNotStarted."""
        process = self.find()
        if process is not None:
            if self._answers(process, silence_s=SILENCE_S):
                return False
            self.setting.report(f"{self.name} (pid {process.pid}) runs but does not answer; restarting it")
            processes.end(process, self.stop_steps)
        self.prepare()
        process = self._launch()
        if not self._answers(process, silence_s=STARTING_S):
            processes.end(process, self.stop_steps)
            raise ServiceNotStarted(f"{self.name} did not start. The end of {self._log}:\n{self._log_tail()}")
        return True

    def stop(self) -> None:
        process = self.find()
        if process is None:
            return
        needed = processes.end(process, self.stop_steps)
        if needed is signal.SIGKILL:
            self.setting.report(f"{self.name} (pid {process.pid}) did not stop by itself and was killed")

    def _launch(self) -> psutil.Process:
        self._log.parent.mkdir(parents=True, exist_ok=True)
        return processes.spawn(
            self.command(),
            self.setting.account,
            self.setting.places.data,
            self._log,
            tether_signal=self.stop_steps[0][0] if self.setting.tethered else None,
            environment=bare_environment(),
        )

    def _answers(self, process: psutil.Process, *, silence_s: float) -> bool:
        begun = time.monotonic()
        while not processes.is_gone(process):
            answer = self.ask()
            if answer is Answer.READY:
                return True
            if time.monotonic() - begun > (STARTING_S if answer is Answer.STARTING else silence_s):
                return False
            time.sleep(0.05)
        return False

    @property
    def _log(self) -> Path:
        return self.setting.places.log(self.name.lower())

    def _log_tail(self) -> str:
        try:
            lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            lines = []
        return "\n".join(lines[-LOG_TAIL_LINES:])


def bare_environment() -> Mapping[str, str]:
    """Servers get no variables of ours: PGDATA and its kin would change what they do."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
