from __future__ import annotations

import json
import stat
from dataclasses import astuple
from pathlib import Path

from flexhub.embedded.secrets_file import load_or_make, write_privately


def test_makes_them_once(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"

    first = load_or_make(path)

    assert load_or_make(path) == first
    assert len(set(astuple(first))) == len(astuple(first))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_adds_what_a_newer_version_needs(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    path.write_text(json.dumps({"owner_password": "kept"}), encoding="utf-8")

    found = load_or_make(path)

    assert found.owner_password == "kept"
    assert len(found.app_password) > 20
    assert load_or_make(path) == found


def test_a_damaged_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    path.write_text("{", encoding="utf-8")

    assert load_or_make(path) == load_or_make(path)


def test_they_are_not_shown(tmp_path: Path) -> None:
    found = load_or_make(tmp_path / "secrets.json")

    assert found.owner_password not in repr(found)


def test_a_file_that_anybody_could_read_is_ours_alone_after_writing(tmp_path: Path) -> None:
    path = tmp_path / "demo.json"
    path.write_text("old", encoding="utf-8")
    path.chmod(0o644)

    write_privately(path, "new")

    assert path.read_text(encoding="utf-8") == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
