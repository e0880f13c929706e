from __future__ import annotations

import os
import stat
from pathlib import Path
from uuid import UUID

import pytest

from flexhub.load.engine.targets import BadTargets, Target, read_targets, write_targets
from s2.messages import EnergyManagementRole

RM, CEM = UUID(int=1), UUID(int=2)
TARGETS = [
    Target(EnergyManagementRole.RM, RM, "s2n_one"),
    Target(EnergyManagementRole.CEM, CEM, "s2n_two", peer=RM),
]


def test_reads_what_it_wrote(tmp_path: Path) -> None:
    write_targets(tmp_path / "targets.jsonl", TARGETS)

    assert read_targets(tmp_path / "targets.jsonl") == TARGETS


def test_only_the_owner_may_read_the_tokens(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        write_targets(tmp_path / "targets.jsonl", TARGETS)
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / "targets.jsonl").stat().st_mode) == 0o600


def test_does_not_write_over_a_file(tmp_path: Path) -> None:
    (tmp_path / "targets.jsonl").write_text("tokens")

    with pytest.raises(FileExistsError):
        write_targets(tmp_path / "targets.jsonl", TARGETS)

    assert (tmp_path / "targets.jsonl").read_text() == "tokens"


def test_a_cem_has_an_address_for_each_link() -> None:
    assert [each.path for each in TARGETS] == [f"/s2/v0/{RM}", f"/s2/v0/{CEM}/{RM}"]


@pytest.mark.parametrize(
    "line",
    [
        "secret",
        "[]",
        "3",
        '{"role": "RM", "node": "secret", "token": "secret"}',
        '{"role": "RM", "node": "00000000-0000-0000-0000-000000000001"}',
        '{"role": "RM", "node": "00000000-0000-0000-0000-000000000001", "token": "secret\\r\\nX: y"}',
        '{"role": "CEM", "node": "00000000-0000-0000-0000-000000000001", "token": "secret"}',
        '{"role": "DSO", "node": "00000000-0000-0000-0000-000000000001", "token": "secret"}',
    ],
)
def test_names_the_line_that_is_wrong_and_shows_nothing_of_it(tmp_path: Path, line: str) -> None:
    (tmp_path / "targets.jsonl").write_text(f"\n{line}\n")

    with pytest.raises(BadTargets, match="line 2") as caught:
        read_targets(tmp_path / "targets.jsonl")

    assert "secret" not in str(caught.value)


def test_says_that_a_file_is_missing_or_empty(tmp_path: Path) -> None:
    with pytest.raises(BadTargets, match="cannot read"):
        read_targets(tmp_path / "nothing")
    (tmp_path / "empty").touch()
    with pytest.raises(BadTargets, match="names nobody"):
        read_targets(tmp_path / "empty")
