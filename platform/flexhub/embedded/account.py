"""Whom the servers run as, and what that account can reach.

PostgreSQL refuses to run as root. As root we therefore run both servers as an account that already exists and owns
nothing, rather than adding a user to somebody's machine.
"""

from __future__ import annotations

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from flexhub.embedded.errors import NoServiceAccount


@dataclass(frozen=True, slots=True)
class Account:
    uid: int
    gid: int
    name: str

    @property
    def is_ours(self) -> bool:
        """Whether it is the account that this process runs as, so that nothing has to change hands."""
        return self.uid == os.geteuid()

    def reaches(self, path: Path) -> bool:
        """Whether every folder above `path` and `path` itself can be entered by this account.

        Judged by the permission bits. Access control lists could say otherwise; then a server's start fails with
        its own message.
        """
        return self.is_ours or all(self._may_enter(folder) for folder in (path, *path.parents) if folder.exists())

    def own(self, path: Path) -> None:
        """Hand `path` to this account, for it alone."""
        if not self.is_ours:
            os.chown(path, self.uid, self.gid)
        path.chmod(0o700 if path.is_dir() else 0o600)

    def make_folder(self, path: Path) -> Path:
        path.mkdir(parents=True, exist_ok=True)
        self.own(path)
        return path

    def _may_enter(self, folder: Path) -> bool:
        status = folder.stat()
        if status.st_uid == self.uid:
            return bool(status.st_mode & stat.S_IXUSR)
        if status.st_gid == self.gid:
            return bool(status.st_mode & stat.S_IXGRP)
        return bool(status.st_mode & stat.S_IXOTH)


def service_account() -> Account:
    """Ourselves, or as root `nobody` or the first account that is not root. Raises NoServiceAccount."""
    uid = os.geteuid()
    if uid != 0:
        return Account(uid, os.getegid(), _name_of(uid))
    others = [entry for entry in pwd.getpwall() if entry.pw_uid != 0]
    others.sort(key=lambda entry: entry.pw_name != "nobody")
    if not others:
        raise NoServiceAccount("PostgreSQL refuses to run as root and /etc/passwd knows no other account.")
    return Account(others[0].pw_uid, others[0].pw_gid, others[0].pw_name)


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError as error:
        raise NoServiceAccount(
            f"initdb needs an entry in /etc/passwd for uid {uid}. Add one, or set DATABASE_URL and REDIS_URL."
        ) from error
