from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from flexhub.embedded import processes
from flexhub.embedded.account import Account

OURSELVES = Account(os.geteuid(), os.getegid(), "ourselves")
# Prints a line when it is ready to be ended, then sleeps.
STUBBORN = """
import signal, sys, time
for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, signal.SIG_IGN)
print("ready", flush=True)
time.sleep(60)
"""
WITH_CHILD = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
print(child.pid, flush=True)
time.sleep(60)
"""
# Spawns a tethered child, prints its pid, and waits to be killed.
STARTER = """
import signal, sys, time
from pathlib import Path
from flexhub.embedded import processes
from flexhub.embedded.account import Account
import os
me = Account(os.geteuid(), os.getegid(), "me")
child = processes.spawn(
    [sys.executable, "-c", "import time; time.sleep(60)"], me, Path("/"), Path(sys.argv[1]),
    tether_signal=signal.SIGTERM, environment=os.environ,
)
print(child.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def spawned(tmp_path: Path) -> Iterator[list[psutil.Process]]:
    started: list[psutil.Process] = []
    yield started
    for process in started:
        processes.end(process, [])


def spawn(code: str, log: Path, *arguments: str) -> psutil.Process:
    return processes.spawn(
        [sys.executable, "-c", code, *arguments],
        OURSELVES,
        Path("/"),
        log,
        tether_signal=None,
        environment=os.environ,
    )


def first_line(log: Path) -> str:
    assert processes.wait_until(lambda: log.exists() and "\n" in log.read_text(encoding="utf-8"), 20)
    return log.read_text(encoding="utf-8").splitlines()[0]


def test_a_server_is_found_by_program_and_argument(tmp_path: Path, spawned: list[psutil.Process]) -> None:
    log, mark = tmp_path / "log", str(tmp_path / "mark")
    process = spawn(STUBBORN, log, mark)
    spawned.append(process)
    first_line(log)
    program = Path(sys.executable).name

    assert processes.find_process(program, mark, OURSELVES) == process
    assert processes.find_process("postgres", mark, OURSELVES) is None
    assert processes.find_process(program, mark + "x", OURSELVES) is None
    assert processes.find_process(program, mark, Account(64999, 64999, "stranger")) is None


def test_it_runs_in_a_session_of_its_own_and_in_its_folder(tmp_path: Path, spawned: list[psutil.Process]) -> None:
    log = tmp_path / "log"
    process = spawn(STUBBORN, log)
    spawned.append(process)
    first_line(log)

    assert os.getsid(process.pid) == process.pid
    assert process.cwd() == "/"


def test_ending_goes_on_to_stronger_signals(tmp_path: Path) -> None:
    process = spawn(STUBBORN, tmp_path / "log")
    first_line(tmp_path / "log")

    assert processes.end(process, [(signal.SIGTERM, 0.05), (signal.SIGINT, 0.05)]) is signal.SIGKILL
    assert processes.is_gone(process)
    assert processes.end(process, [(signal.SIGTERM, 0.05)]) is None


def test_ending_wakes_a_paused_process(tmp_path: Path) -> None:
    process = spawn("import time; print(1, flush=True); time.sleep(60)", tmp_path / "log")
    first_line(tmp_path / "log")
    process.suspend()

    assert processes.end(process, [(signal.SIGTERM, 20)]) is signal.SIGTERM


def test_ending_takes_the_children_along(tmp_path: Path) -> None:
    process = spawn(WITH_CHILD, tmp_path / "log")
    child = psutil.Process(int(first_line(tmp_path / "log")))

    processes.end(process, [(signal.SIGTERM, 20)])

    assert processes.is_gone(child)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells a process of its parent's death")
def test_a_tethered_server_ends_with_a_starter_that_is_killed(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", STARTER, str(tmp_path / "log")]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        child = psutil.Process(int(starter.stdout.readline()))
        assert not processes.is_gone(child)

        starter.kill()

    assert processes.wait_until(lambda: processes.is_gone(child), 20)


def test_output_is_appended_to_the_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("before\n", encoding="utf-8")

    process = spawn("import sys; print('out', flush=True); print('error', file=sys.stderr)", log)

    assert processes.wait_until(lambda: processes.is_gone(process), 20)
    assert log.read_text(encoding="utf-8") == "before\nout\nerror\n"
