"""The services by hand: `python -m flexhub.embedded start`, `stop`, `status`, or `eval "$(… env)"`."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from flexhub.embedded import EmbeddedError, find_servers, start, stop


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m flexhub.embedded", description=__doc__)
    parser.add_argument("command", choices=["start", "stop", "status", "env"])
    parser.add_argument("--root", type=Path, default=Path(".flexhub"), help="folder of the services (.flexhub)")
    options = parser.parse_args()
    try:
        return {"start": _start, "stop": _stop, "status": _status, "env": _env}[options.command](options.root)
    except EmbeddedError as error:
        _report(str(error))
        return 1


def _start(root: Path) -> int:
    services = start(root, _report)
    _report(f"logs are in {services.places.root / 'logs'}; `stop` ends the servers")
    return 0


def _stop(root: Path) -> int:
    stopped = stop(root, _report)
    _report(f"stopped {' and '.join(stopped)}" if stopped else "nothing was running")
    return 0


def _status(root: Path) -> int:
    running = 0
    for server in find_servers(root, _report):
        process = server.find()
        state = "is not running" if process is None else f"pid {process.pid}, {server.ask().name.lower()}"
        running += process is not None
        _report(f"{server.name}: {state}")
    return 0 if running else 1


def _env(root: Path) -> int:
    for name, value in start(root, _report).environment().items():
        sys.stdout.write(f"export {name}={shlex.quote(value)}\n")
    return 0


def _report(text: str) -> None:
    # Standard output is for `env`, which a shell evaluates.
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
