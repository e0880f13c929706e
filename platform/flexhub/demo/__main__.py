"""`make demo`: the whole hub and a street of simulated homes on one machine, until Ctrl-C."""

from __future__ import annotations

import argparse
import os
import socket
import sys
from pathlib import Path

from flexhub import embedded
from flexhub.embedded.errors import EmbeddedError

MOST_HOMES = 12
PROJECT = Path(__file__).resolve().parents[3]
ROOT = PROJECT / ".flexhub"


def main() -> int:
    options = _options()
    if not _is_free(options.port):
        print(f"Port {options.port} is in use. Choose another: make demo PORT={options.port + 1}", file=sys.stderr)
        return 1
    try:
        services = embedded.start(options.root, _report, tethered=True)
    except EmbeddedError as error:
        print(f"The demo cannot start: {error}", file=sys.stderr)
        return 1
    environment = services.environment() | _environment(options.port)
    os.environ.update(environment)
    try:
        # Django reads the environment when it is set up, and the stage imports models: both wait until here.
        import django

        django.setup()
        from flexhub.demo.stage import Stage

        stage = Stage(options.root, services, options.port, environment, _report)
        return stage.perform(speed=options.speed, home_count=options.homes)
    finally:
        services.stop()
        _report("stopped")


def _environment(port: int) -> dict[str, str]:
    return {
        "DJANGO_SETTINGS_MODULE": "flexhub.settings",
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "ALLOWED_HOSTS": "127.0.0.1,localhost,[::1]",
        "LOG_JSON": "0",
        # Its passwords are printed, and its mails too.
        "OPERATORS_SECOND_FACTOR": "0",
        "EMAIL_TO_CONSOLE": "1",
        # One thread each: a dozen processes share the machine, and their arrays are small.
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
    }


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--speed", type=_speed, default=60.0, help="simulated seconds a second (make demo SPEED=1)")
    parser.add_argument(
        "--port", type=_port, default=8000, help="port of the web pages and sessions (make demo PORT=8001)"
    )
    parser.add_argument(
        "--homes", type=_homes, default=MOST_HOMES, help="how many, on a small machine (make demo HOMES=5)"
    )
    parser.add_argument(
        "--root", type=_folder, default=ROOT, help="folder for data, logs and demo.json (.flexhub in the project)"
    )
    return parser.parse_args()


def _speed(text: str) -> float:
    value = float(text)
    if not 1 <= value <= 600:
        raise argparse.ArgumentTypeError("must be between 1 and 600")
    return value


def _homes(text: str) -> int:
    value = int(text)
    if not 1 <= value <= MOST_HOMES:
        raise argparse.ArgumentTypeError(f"must be between 1 and {MOST_HOMES}")
    return value


def _port(text: str) -> int:
    value = int(text)
    if not 1 <= value <= 65535:
        raise argparse.ArgumentTypeError("must be between 1 and 65535")
    return value


def _folder(text: str) -> Path:
    return Path(text).absolute()


def _report(line: str) -> None:
    print(f"  {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
