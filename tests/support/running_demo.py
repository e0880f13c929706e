"""`make demo` as a process, in a folder of its own beside any other that runs on this machine."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from flexhub.demo.processes import MARK
from flexhub.embedded.account import service_account
from flexhub.embedded.places import places_for
from tests.support.early import PLACEHOLDERS, ROOT
from tests.support.services import PREFIX

# Twelve homes and a hub start at once; on two busy cores that takes half a minute, on very busy ones some minutes.
READY_WITHIN_S = 300.0
POLL_S = 0.5


class RunningDemo:
    def __init__(self, root: Path, process: subprocess.Popen[bytes], output: Path) -> None:
        self.root = root
        self.process = process
        self._output = output

    @property
    def output(self) -> str:
        return self._output.read_text(encoding="utf-8", errors="replace")

    @property
    def facts(self) -> dict[str, Any]:
        """What demo.json says."""
        facts: dict[str, Any] = json.loads((self.root / "demo.json").read_text(encoding="utf-8"))
        return facts

    def await_ready(self) -> str:
        """Wait for the line that says so, and return it."""
        return self.await_line(r"^ready .*$", READY_WITHIN_S)

    def await_line(self, pattern: str, within_s: float) -> str:
        deadline = time.monotonic() + within_s
        while (found := re.search(pattern, self.output, re.MULTILINE)) is None:
            assert self.process.poll() is None, f"the demo ended:\n{self.output}"
            assert time.monotonic() < deadline, f"no line {pattern!r} within {within_s:g} s:\n{self.output}"
            time.sleep(POLL_S)
        return found[0]

    def devices(self) -> list[dict[str, Any]]:
        """All devices of the street, as their homes report them."""
        reports = sorted((self.root / "homes").glob("home-*.report.json"))
        return [device for report in reports for device in json.loads(report.read_text(encoding="utf-8"))["devices"]]

    def press_ctrl_c(self) -> float:
        """SIGINT; how long the demo took to end, in s."""
        begun = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        self.process.wait(READY_WITHIN_S)
        return time.monotonic() - begun

    def leftovers(self) -> list[str]:
        """Command lines of processes that belong to this demo and still run."""
        return [
            " ".join(process.info["cmdline"]) for process in psutil.process_iter(["cmdline"]) if self._owns(process)
        ]

    def _owns(self, process: psutil.Process) -> bool:
        if any(str(self.root) in word or str(self._data) in word for word in process.info["cmdline"] or ()):
            return True
        with suppress(psutil.Error):
            return process.environ().get(MARK) == str(self.root / "run")
        return False

    @property
    def _data(self) -> Path:
        return places_for(self.root, service_account()).data


@contextmanager
def demo_folder() -> Iterator[Path]:
    """Where a demo keeps its data; gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
    # As root the servers run as another account, which must be able to pass through here.
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        places_for(folder, service_account()).remove()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def running_demo(root: Path, *options: str) -> Iterator[RunningDemo]:
    """Start one in `root`; it is killed if the test does not end it."""
    environment = {name: value for name, value in os.environ.items() if name not in PLACEHOLDERS}
    output = root / "output.txt"
    with output.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "flexhub.demo", "--root", str(root), *options],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
    try:
        yield RunningDemo(root, process, output)
    finally:
        if process.poll() is None:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(15)
        process.kill()
        process.wait(10)
        print(output.read_text(encoding="utf-8", errors="replace"))  # noqa: T201 - pytest shows it where a test failed.
