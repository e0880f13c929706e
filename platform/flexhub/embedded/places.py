"""Where the files of the servers live.

    <root>/services.lock        held while servers are started or stopped
    <root>/secrets.json         passwords and Django's key, for the user alone
    <root>/logs/<server>.log
    <root>/services/            `data`: belongs to the service account
        postgres/  redis/  run/ (PostgreSQL's socket)

Two things move `data` elsewhere. Below a folder that the service account cannot enter (a checkout in root's home) it
becomes a private folder in /var/tmp. And the path of a Unix socket ends at 107 bytes, so below a deep folder the
socket alone moves there.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from flexhub.embedded.account import Account
from flexhub.embedded.errors import EmbeddedError

# sockaddr_un holds 108 bytes with the closing zero; PostgreSQL appends this name to the folder.
SOCKET_NAME = ".s.PGSQL.5432"
SOCKET_PATH_LIMIT = 107


@dataclass(frozen=True, slots=True)
class Places:
    root: Path
    data: Path
    socket_folder: Path

    @property
    def secrets(self) -> Path:
        return self.root / "secrets.json"

    @property
    def lock(self) -> Path:
        return self.root / "services.lock"

    @property
    def postgres(self) -> Path:
        return self.data / "postgres"

    @property
    def redis(self) -> Path:
        return self.data / "redis"

    def log(self, name: str) -> Path:
        return self.root / "logs" / f"{name}.log"

    def remove(self) -> None:
        """Delete all data, also what lies outside the root. The servers must be stopped."""
        for folder in (self.data, private_folder(self.root), self.root):
            shutil.rmtree(folder, ignore_errors=True)


def places_for(root: Path, account: Account) -> Places:
    """Decide where things go, without making anything."""
    root = root.absolute()
    inside = root / "services"
    data = inside if account.reaches(root) else private_folder(root)
    socket_folder = data / "run"
    if len(os.fsencode(socket_folder / SOCKET_NAME)) > SOCKET_PATH_LIMIT:
        socket_folder = private_folder(root) / "run"
    return Places(root, data, socket_folder)


def prepare(places: Places, account: Account, report: Callable[[str], None]) -> None:
    """Make the folders. Raises EmbeddedError when a private folder belongs to somebody else."""
    places.root.mkdir(parents=True, exist_ok=True)
    (places.root / "logs").mkdir(exist_ok=True)
    for folder in {places.data, places.socket_folder.parent}:
        if not folder.is_relative_to(places.root):
            _claim(folder, account)
    if not places.data.is_relative_to(places.root):
        report(f"the account {account.name} cannot enter {places.root}; the servers keep their data in {places.data}")
    account.make_folder(places.data)
    account.make_folder(places.socket_folder)


def private_folder(root: Path) -> Path:
    """The folder outside `root` that belongs to it, the same at every start."""
    base = Path("/var/tmp")  # noqa: S108 - The folder is claimed by owner and mode before it is used.
    if not base.is_dir():
        base = Path(tempfile.gettempdir())
    return base / f"flexhub-{hashlib.sha256(os.fsencode(root)).hexdigest()[:12]}"


def _claim(folder: Path, account: Account) -> None:
    # Anyone can make a folder of this name in a shared place first; then it is theirs and of no use to us.
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        if folder.is_symlink() or folder.stat().st_uid not in {account.uid, os.geteuid()}:
            raise EmbeddedError(f"{folder} belongs to somebody else; remove it or use another root folder") from None
    account.own(folder)
