"""Random passwords and keys of one root folder, made once and kept in a file for the user alone."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass, fields
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Secrets:
    admin_password: str
    owner_password: str
    app_password: str
    redis_password: str
    secret_key: str
    # 32 bytes in base64, as SECRETS_KEYS wants them.
    encryption_key: str

    def __repr__(self) -> str:
        return "Secrets(…)"


def load_or_make(path: Path) -> Secrets:
    """Read the file, add what is missing, and write it back when something was."""
    known = _read(path)
    values = {field.name: known.get(field.name) or secrets.token_urlsafe(32) for field in fields(Secrets)}
    found = Secrets(**values)
    if asdict(found) != known:
        write_privately(path, json.dumps(asdict(found), indent=2))
    return found


def _read(path: Path) -> dict[str, str]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return {str(key): str(value) for key, value in content.items()} if isinstance(content, dict) else {}


def write_privately(path: Path, text: str) -> None:
    """Only we may read the file, whatever mode an older one of that name had.

    Written aside and renamed, so that a crash leaves the old file or the new one.
    """
    aside = path.with_suffix(".new")
    aside.unlink(missing_ok=True)
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    aside.replace(path)
