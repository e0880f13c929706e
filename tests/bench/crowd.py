"""A crowd: thousands of sessions on one gateway process, played by the hub's own load generator."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from flexhub.load.engine.targets import write_targets
from tests.bench.homes import Home
from tests.bench.load import cpu_s
from tests.bench.selector import Selector
from tests.bench.world import World
from tests.support.early import ROOT

CONNECT_RATE = 100
# Nothing takes so long on a machine that is not overwhelmed.
PATIENCE_S = 120.0
_POLL_S = 0.25


class Gateway:
    """`manage.py gateway` on a port that it keeps when it is started again."""

    def __init__(self, environment: Mapping[str, str], server: str, folder: Path) -> None:
        self._environment = dict(environment) | {"S2_SERVER": server}
        self._log = folder / f"gateway-{server}.log"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port: int = probe.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self._port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def rss_kb(self) -> float:
        return float(psutil.Process(self.pid).memory_info().rss) / 1024

    @property
    def cpu_s(self) -> float:
        return cpu_s(self.pid)

    def start(self) -> None:
        arguments = (sys.executable, "manage.py", "gateway", "--port", str(self._port))
        # A file: a pipe that nobody reads would fill up.
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # Our own program.
                arguments, cwd=ROOT, env=self._environment, stdout=log, stderr=subprocess.STDOUT
            )
        wait_for(self._listens, "the gateway listens")

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def wait(self) -> int:
        assert self._process is not None
        return self._process.wait(PATIENCE_S)

    def end(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait(PATIENCE_S)

    def log_tail(self, lines: int = 20) -> str:
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-lines:])

    def _listens(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"the gateway ended:\n{self.log_tail()}"
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._port)) == 0


class Generator:
    """One run of `python -m flexhub.load`."""

    def __init__(self, url: str, targets: Path, **options: object) -> None:
        named = {"url": url, "targets": targets, "connect_rate": CONNECT_RATE} | options
        arguments = [part for name, value in named.items() for part in (f"--{name.replace('_', '-')}", str(value))]
        self._process = subprocess.Popen(  # Our own program.
            (sys.executable, "-m", "flexhub.load", "--json", *arguments),
            cwd=ROOT,
            env={"PYTHONPATH": str(ROOT / "platform")},
            stdout=subprocess.PIPE,
            text=True,
        )

    @property
    def runs(self) -> bool:
        return self._process.poll() is None

    def interrupt(self) -> None:
        self._process.send_signal(signal.SIGINT)

    def result(self) -> dict[str, Any]:
        """What it counted; waits until it has ended."""
        output, _ = self._process.communicate()
        assert output, f"the load generator ended with {self._process.returncode} and said nothing"
        counted: dict[str, Any] = json.loads(output)
        return counted

    def end(self) -> None:
        if self.runs:
            self._process.kill()
            self._process.communicate()


@dataclass(slots=True)
class Crowd:
    """One gateway process with its generators, and somebody who selects FRBC for each session."""

    gateway: Gateway
    selector: Selector
    generators: list[Generator]
    folder: Path

    def open(self, homes: Sequence[Home], **options: object) -> Generator:
        """Begin to connect these."""
        path = self.folder / f"targets-{len(self.generators)}.jsonl"
        write_targets(path, [home.target for home in homes])
        generator = Generator(self.gateway.url, path, **options)
        self.generators.append(generator)
        return generator

    def open_idle(self, homes: Sequence[Home], **options: object) -> Generator:
        """Begin to connect these, which then say nothing."""
        return self.open(homes, rate=1e-9, seconds=36_000, **options)

    def await_controlled(self, number: int) -> None:
        """Wait until so many sessions of this gateway process are under FRBC."""
        within_s = PATIENCE_S + number / CONNECT_RATE
        wait_for(lambda: self.selector.controlled(self.gateway.pid) >= number, f"{number} are controlled", within_s)


@contextmanager
def crowd(world: World, server: str) -> Iterator[Crowd]:
    """Start the gateway under this ASGI server; at the end all of it is gone."""
    with (
        tempfile.TemporaryDirectory(prefix="flexhub-crowd-") as name,
        Selector(world.environment["REDIS_URL"]) as selector,
    ):
        gathered = Crowd(Gateway(world.environment, server, Path(name)), selector, [], Path(name))
        try:
            gathered.gateway.start()
            yield gathered
        finally:
            for generator in gathered.generators:
                generator.end()
            gathered.gateway.end()


def wait_for(condition: Any, what: str, within_s: float = PATIENCE_S) -> float:
    """How many seconds it took."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < within_s, f"not within {within_s:.0f} s: {what}"
        time.sleep(_POLL_S)
    return time.monotonic() - started
