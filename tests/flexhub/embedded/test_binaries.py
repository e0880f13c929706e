from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest

from flexhub.embedded import EmbeddedError, binaries
from flexhub.embedded.account import Account, service_account
from flexhub.embedded.binaries import find_binaries

OURSELVES = Account(os.geteuid(), os.getegid(), "ourselves")


def version_of(program: Path) -> str:
    return subprocess.run([str(program), "--version"], capture_output=True, text=True, timeout=20, check=True).stdout


def test_the_programs_of_the_wheels_are_found(tmp_path: Path) -> None:
    found = find_binaries(OURSELVES, tmp_path, pytest.fail)

    assert version_of(found.postgres).startswith("postgres (PostgreSQL)")
    assert version_of(found.initdb).startswith("initdb (PostgreSQL)")
    assert version_of(found.redis_server).startswith("Redis server")


def test_they_are_copied_for_an_account_that_cannot_reach_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As for a checkout in root's home, which PostgreSQL's account may not enter."""
    messages: list[str] = []
    account = service_account()
    monkeypatch.setattr(Account, "reaches", lambda self, path: path.is_relative_to(tmp_path))

    found = find_binaries(account, tmp_path, messages.append)
    again = find_binaries(account, tmp_path, messages.append)

    assert found == again
    assert found.postgres.is_relative_to(tmp_path)
    assert len(messages) == 1
    assert "cannot run the programs in" in messages[0]
    assert version_of(found.postgres).startswith("postgres (PostgreSQL)")
    assert stat.S_IMODE(found.postgres.stat().st_mode) == 0o755


def test_a_wheel_that_is_not_installed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "POSTGRES_PACKAGE", "no_such_package")

    with pytest.raises(EmbeddedError, match=r"no_such_package is not installed: pip install 'flexhub\[embedded\]'"):
        find_binaries(OURSELVES, tmp_path, pytest.fail)
