"""The file of those who sign in: one JSON object a line, with a secret in each.

    {"role": "RM", "node": "<uuid>", "token": "..."}
    {"role": "CEM", "node": "<uuid>", "peer": "<uuid of the RM>", "token": "..."}

A building's CEM holds one WebSocket for each of its links, so it stands here once for each, with the RM as `peer`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from s2.messages import EnergyManagementRole


class BadTargets(ValueError):
    """The file cannot be used; the text says where and why."""


@dataclass(frozen=True, slots=True)
class Target:
    """`peer` is the RM at the other end of a CEM's link; an RM has one link and names none."""

    role: EnergyManagementRole
    node: UUID
    token: str
    peer: UUID | None = None

    @property
    def path(self) -> str:
        """Where the hub listens for it."""
        return f"/s2/v0/{self.node}" if self.peer is None else f"/s2/v0/{self.node}/{self.peer}"

    def as_line(self) -> str:
        fields = {"role": self.role.value, "node": str(self.node), "token": self.token}
        return json.dumps(fields | ({} if self.peer is None else {"peer": str(self.peer)}))


def write_targets(path: Path, targets: Iterable[Target]) -> None:
    """Write a new file that its owner alone may read. Raises FileExistsError and other OSErrors."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        # The process's umask took bits away, and never adds any; this is for those that took too many.
        os.fchmod(descriptor, 0o600)
        file.writelines(f"{each.as_line()}\n" for each in targets)


def read_targets(path: Path) -> list[Target]:
    """Raises BadTargets."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeError) as error:
        raise BadTargets(f"cannot read {path}: {error}") from error
    targets = [_target(path, number, line) for number, line in enumerate(lines, 1) if line.strip()]
    if not targets:
        raise BadTargets(f"{path} names nobody; `s2load prepare` writes such a file")
    return targets


def _target(path: Path, number: int, line: str) -> Target:
    try:
        fields = json.loads(line)
        role = EnergyManagementRole(fields["role"])
        peer = None if role is EnergyManagementRole.RM else UUID(fields["peer"])
        token = fields["token"]
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise TypeError("the token is no text of a header")
        return Target(role, UUID(fields["node"]), token, peer)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        # Never the line itself: it holds a token.
        raise BadTargets(f"{path}, line {number}: not a target ({type(error).__name__})") from None
