"""The processes of the demo: the hub's own, exactly as in production, and one for each home."""

from __future__ import annotations

import json
import shutil
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path

from flexhub.clock import Clock
from flexhub.demo.processes import ProcessSpec
from flexhub.demo.seed import Seeded
from flexhub.demo.street import HomePlan
from flexhub.embedded.secrets_file import write_privately

MANAGE = Path(__file__).resolve().parents[3] / "manage.py"
READY_TIMEOUT_S = 2.0
# Two that react, so that one slow site does not hold up another. The rest can wait, or waits on the network.
WORKERS = (("cem", "prefork", 2), ("plan", "prefork", 1), ("default", "prefork", 1), ("rm", "threads", 4))
# On one machine a plan must not take the processor from a reaction either.
PATIENT = ("nice", "-n", "10") if shutil.which("nice") else ()


def hub_processes(*, logs: Path, port: int, environment: Mapping[str, str]) -> list[ProcessSpec]:
    """The gateway, the workers and beat. All are restarted when they die."""
    gateway = [sys.executable, str(MANAGE), "gateway", "--host", "127.0.0.1", "--port", str(port)]
    celery = [sys.executable, "-m", "celery", "-A", "flexhub.celery"]
    return [
        _process("gateway", gateway, environment, ready=lambda: _answers(f"http://127.0.0.1:{port}/readyz")),
        *(
            _process(
                f"worker-{queue}",
                [
                    *(PATIENT if queue == "plan" else ()),
                    *(*celery, "worker", "-Q", queue, "-n", f"{queue}@%h", "--pool", pool),
                    *("--concurrency", str(concurrency), "--loglevel", "INFO"),
                    # They would gossip about each other over Redis, which one machine has no use for.
                    *("--without-gossip", "--without-mingle", "--without-heartbeat"),
                ],
                environment,
                ready=_says(logs / f"worker-{queue}.log", "ready."),
            )
            for queue, pool, concurrency in WORKERS
        ),
        _process(
            "beat",
            [*celery, "beat", "--schedule", str(logs.parent / "celerybeat"), "--loglevel", "INFO"],
            environment,
            ready=_says(logs / "beat.log", "is starting"),
        ),
    ]


def home_processes(
    homes: Sequence[HomePlan],
    seeded: Seeded,
    *,
    folder: Path,
    ws_url: str,
    clock: Clock,
    environment: Mapping[str, str],
) -> list[ProcessSpec]:
    """One process a home; each reads its own file, which holds its tokens and is readable by us alone."""
    folder.mkdir(parents=True, exist_ok=True)
    return [
        _home(number, home, [(str(key.node_id), key.token) for key in keys], folder, ws_url, clock, environment)
        for number, (home, keys) in enumerate(zip(homes, seeded.credentials, strict=True), start=1)
    ]


def report_path(folder: Path, number: int) -> Path:
    """Where home `number` (from 1) writes its figures."""
    return folder / f"home-{number:02}.report.json"


def _home(
    number: int,
    home: HomePlan,
    credentials: Sequence[tuple[str, str]],
    folder: Path,
    ws_url: str,
    clock: Clock,
    environment: Mapping[str, str],
) -> ProcessSpec:
    report, path = report_path(folder, number), folder / f"home-{number:02}.json"
    report.unlink(missing_ok=True)
    config = home.config(ws_url=ws_url, clock=clock, report=report, credentials=credentials)
    write_privately(path, json.dumps(config))
    argv = [sys.executable, "-m", "flexhub.demo.home", "--config", str(path)]
    # A home that is killed stays away until somebody starts it again: that is what one kills a home for.
    return ProcessSpec(name=f"home-{number:02}", argv=argv, env=dict(environment), ready=None, restart=False)


def _process(name: str, argv: list[str], environment: Mapping[str, str], *, ready: Callable[[], bool]) -> ProcessSpec:
    return ProcessSpec(name=name, argv=argv, env=dict(environment), ready=ready, restart=True)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=READY_TIMEOUT_S) as answer:  # noqa: S310 - our own loopback address.
            return bool(answer.status == HTTPStatus.OK)
    except (urllib.error.URLError, OSError):
        return False


def _says(log: Path, words: str) -> Callable[[], bool]:
    def look() -> bool:
        return log.exists() and words in log.read_text(encoding="utf-8", errors="replace")

    return look
