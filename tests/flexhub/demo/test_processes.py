from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from flexhub.demo.processes import MARK, Group, Record, end_groups, end_recorded
from flexhub.embedded.processes import is_gone

# A leader that starts a second process, prints its pid, and ends at once when told so.
LEADER = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
if sys.argv[1] == "stay":
    time.sleep(60)
"""


class LeftOver:
    """A group as an earlier run would leave it, with its record."""

    def __init__(self, run_dir: Path, name: str, leader: str) -> None:
        run_dir.mkdir(exist_ok=True)
        self._popen = subprocess.Popen(
            [sys.executable, "-c", LEADER, leader],
            env=os.environ | {MARK: str(run_dir)},
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self._popen.stdout is not None
        self.leader = psutil.Process(self._popen.pid)
        self.record = Record(run_dir / f"{name}.pid", name, self._popen.pid, self.leader.create_time())
        self.record.write()
        self.child = psutil.Process(int(self._popen.stdout.readline()))
        self.group = Group(self._popen.pid, str(run_dir))
        if leader == "go":
            self._popen.wait(20)

    def close(self) -> None:
        end_groups([self.group], patience_s=0)
        self._popen.communicate(timeout=20)


@pytest.fixture(params=["stay", "go"])
def left_over(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[LeftOver]:
    """With its leader, and with only what the leader had started."""
    found = LeftOver(tmp_path / "run", "worker", request.param)
    yield found
    found.close()


def test_what_an_earlier_run_left_is_ended_with_a_message(left_over: LeftOver, tmp_path: Path) -> None:
    lines: list[str] = []
    assert left_over.group.members()

    end_recorded(tmp_path / "run", lines.append)

    assert lines == [f"ending worker (pid {left_over.leader.pid}), left over from an earlier run"]
    assert is_gone(left_over.child)
    assert list((tmp_path / "run").iterdir()) == []


def test_groups_of_another_run_folder_are_left_alone(left_over: LeftOver, tmp_path: Path) -> None:
    record = left_over.record
    other = tmp_path / "other"
    Record(other / "worker.pid", record.name, record.pid, record.start_time).write()

    end_recorded(other, pytest.fail)

    assert not is_gone(left_over.child)


def test_a_pid_that_now_belongs_to_another_program_is_left_alone(tmp_path: Path) -> None:
    Record(tmp_path / "old.pid", "old", os.getpid(), psutil.Process().create_time() - 3600).write()

    end_recorded(tmp_path, pytest.fail)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}', '{"name": "a", "pid": "x", "start_time": 0}'])
def test_a_damaged_record_is_removed(tmp_path: Path, text: str) -> None:
    (tmp_path / "cut.pid").write_text(text, encoding="utf-8")
    assert Record.read(tmp_path / "cut.pid") is None

    end_recorded(tmp_path, pytest.fail)

    assert list(tmp_path.iterdir()) == []


def test_a_record_reads_as_it_was_written(tmp_path: Path) -> None:
    record = Record(tmp_path / "a.pid", "a", 42, 1.5)

    record.write()

    assert Record.read(record.path) == record
