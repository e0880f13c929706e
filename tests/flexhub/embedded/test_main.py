"""The command line, run as people run it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def run(root: Path, command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("DATABASE", "REDIS", "SECRET"))}
    return subprocess.run(
        [sys.executable, "-m", "flexhub.embedded", "--root", str(root), command],
        env=inherited | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_env_starts_the_servers_for_a_shell_and_stop_ends_them(root: Path) -> None:
    assert run(root, "status").returncode == 1

    env = run(root, "env")

    names = [line.partition("=")[0] for line in env.stdout.splitlines()]
    variables = ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "SECRET_KEY", "SECRETS_KEYS")
    assert names == [f"export {name}" for name in variables]
    status = run(root, "status")
    assert status.returncode == 0
    assert status.stderr.count("ready") == 2
    assert run(root, "start").stderr.count("is already running") == 2
    assert run(root, "stop").stderr == "stopped PostgreSQL and Redis\n"
    assert run(root, "stop").stderr == "nothing was running\n"


def test_a_mistake_is_one_line_without_a_traceback(root: Path) -> None:
    result = run(root, "start", DATABASE_URL="postgresql://a@127.0.0.1:1/b", REDIS_URL="redis://unused")

    assert result.returncode == 1
    assert "DATABASE_URL" in result.stderr
    assert "Traceback" not in result.stderr
