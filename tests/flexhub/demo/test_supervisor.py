"""Real, tiny processes under real signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from flexhub.demo import supervisor as supervisor_module
from flexhub.demo.processes import Group, ProcessSpec, Record
from flexhub.demo.supervisor import ProcessFailed, Supervisor
from flexhub.embedded.processes import is_gone, wait_until

PATIENCE_S = 60.0
SLEEPER = "import time; print('up', flush=True); time.sleep(60)"
IGNORES_TERM = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEPER}"
# Two processes in one group; the second one's pid is printed.
PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
time.sleep(60)
"""
# A whole supervisor, to be killed from outside.
SUPERVISOR = """
import sys
from pathlib import Path
from flexhub.demo.processes import ProcessSpec
from flexhub.demo.supervisor import Supervisor

root = Path(sys.argv[1])
supervisor = Supervisor(root / "logs", root / "run", lambda text: print(text, flush=True))
for name, code in zip(sys.argv[2::2], sys.argv[3::2]):
    supervisor.add(ProcessSpec(name, [sys.executable, "-c", code]))
try:
    supervisor.start_all()
    print("started", flush=True)
    supervisor.run_until_stopped(lambda: None)
except KeyboardInterrupt:
    pass
finally:
    supervisor.stop()
    print("stopped", flush=True)
"""


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def supervisor(tmp_path: Path, lines: list[str]) -> Iterator[Supervisor]:
    found = Supervisor(tmp_path / "logs", tmp_path / "run", lines.append)
    yield found
    found.stop()


def spec(name: str, code: str, *, ready: Callable[[], bool] | None = None, restart: bool = True) -> ProcessSpec:
    return ProcessSpec(name, [sys.executable, "-c", code], ready=ready, restart=restart, ready_timeout_s=PATIENCE_S)


def says(log: Path, text: str = "\n") -> Callable[[], bool]:
    return lambda: text in log.read_text(encoding="utf-8")


def process_of(supervisor: Supervisor, name: str) -> psutil.Process:
    pid = supervisor.pid_of(name)
    assert pid is not None
    return psutil.Process(pid)


def stop_when(supervisor: Supervisor, condition: Callable[[], bool]) -> Callable[[], None]:
    """A tick that ends the run when the condition holds, or fails after a while."""
    deadline = time.monotonic() + PATIENCE_S

    def tick() -> None:
        if condition() or time.monotonic() > deadline:
            supervisor.request_stop()

    return tick


def run_until(supervisor: Supervisor, condition: Callable[[], bool]) -> None:
    supervisor.run_until_stopped(stop_when(supervisor, condition), tick_s=0.05)
    assert condition()


def test_starts_waits_and_stops(supervisor: Supervisor, tmp_path: Path, lines: list[str]) -> None:
    supervisor.add(spec("one", SLEEPER, ready=says(tmp_path / "logs" / "one.log", "up")))
    supervisor.add(spec("two", SLEEPER))

    supervisor.start_all()

    processes = [process_of(supervisor, name) for name in ("one", "two")]
    assert lines[0] == "starting one"
    assert lines[1].startswith("one is ready after ")
    assert lines[2] == "starting two", "a process that cannot tell waits for those before it"
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["one.pid", "two.pid"]

    supervisor.stop()

    assert all(is_gone(process) for process in processes)
    assert list((tmp_path / "run").iterdir()) == []
    supervisor.stop()


def test_a_child_has_a_group_of_its_own_and_its_environment(supervisor: Supervisor, tmp_path: Path) -> None:
    log = tmp_path / "logs" / "child.log"
    code = "import os, time; print(os.environ['GREETING'], os.getpgrp() == os.getpid(), flush=True); time.sleep(60)"
    argv = [sys.executable, "-c", code]
    supervisor.add(ProcessSpec("child", argv, env={"GREETING": "hello"}, ready=says(log)))

    supervisor.start_all()

    assert log.read_text(encoding="utf-8") == "hello True\n"


def test_start_all_starts_only_what_is_new(supervisor: Supervisor) -> None:
    supervisor.add(spec("one", SLEEPER))
    supervisor.start_all()
    first = supervisor.pid_of("one")

    supervisor.add(spec("two", SLEEPER))
    supervisor.start_all()

    assert supervisor.pid_of("one") == first
    assert supervisor.pid_of("two") is not None


def test_a_name_is_given_once(supervisor: Supervisor) -> None:
    supervisor.add(spec("one", SLEEPER))

    with pytest.raises(ValueError, match="there is a process one already"):
        supervisor.add(spec("one", SLEEPER))


def test_a_process_that_ends_before_it_is_ready_is_an_error_with_its_log(supervisor: Supervisor) -> None:
    supervisor.add(spec("broken", "raise SystemExit('no such table')", ready=lambda: False))

    with pytest.raises(ProcessFailed, match=r"(?s)broken ended with status 1 before it was ready.*no such table"):
        supervisor.start_all()


def test_a_process_that_is_never_ready_is_an_error(supervisor: Supervisor) -> None:
    never = ProcessSpec("slow", [sys.executable, "-c", SLEEPER], ready=lambda: 1 // 0 == 0, ready_timeout_s=0.05)
    supervisor.add(never)

    with pytest.raises(ProcessFailed, match=r"slow was not ready after 0\.05 s"):
        supervisor.start_all()


def test_a_killed_process_is_started_again(supervisor: Supervisor, lines: list[str]) -> None:
    supervisor.add(spec("worker", SLEEPER))
    supervisor.start_all()
    before = process_of(supervisor, "worker")
    before.kill()

    run_until(supervisor, lambda: supervisor.pid_of("worker") not in {None, before.pid})

    assert "worker was killed by SIGKILL; starting it again in 0.5 s" in lines


def test_a_restart_takes_the_rest_of_the_group_along(supervisor: Supervisor, tmp_path: Path) -> None:
    log = tmp_path / "logs" / "worker.log"
    supervisor.add(spec("worker", PARENT, ready=says(log)))
    supervisor.start_all()
    before = process_of(supervisor, "worker")
    grandchild = psutil.Process(int(log.read_text(encoding="utf-8")))
    before.kill()

    run_until(supervisor, lambda: supervisor.pid_of("worker") not in {None, before.pid})

    assert is_gone(grandchild)


def test_a_process_that_keeps_ending_is_started_ever_more_rarely(
    supervisor: Supervisor, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor_module, "FIRST_BACK_OFF_S", 0.01)
    monkeypatch.setattr(supervisor_module, "LAST_BACK_OFF_S", 0.02)
    supervisor.add(spec("faulty", "raise SystemExit(3)"))
    supervisor._slots["faulty"].back_off_s = 0.01
    supervisor.start_all()

    run_until(supervisor, lambda: len(lines) >= 4)

    assert lines[1:4] == [
        f"faulty ended with status 3; starting it again in {delay} s" for delay in ("0.01", "0.02", "0.02")
    ]


def test_a_process_may_stay_down_until_it_is_asked_for(
    supervisor: Supervisor, tmp_path: Path, lines: list[str]
) -> None:
    supervisor.add(spec("home", SLEEPER, restart=False))
    supervisor.start_all()
    process_of(supervisor, "home").kill()
    run_until(supervisor, lambda: any("was killed" in line for line in lines))
    assert lines[-1] == f"home was killed by SIGKILL; see {tmp_path / 'logs' / 'home.log'}"
    supervisor.start_all()
    assert supervisor.pid_of("home") is None

    supervisor.start("home")

    again = supervisor.pid_of("home")
    assert again is not None
    supervisor.start("home")
    assert supervisor.pid_of("home") == again


def test_what_ignores_term_is_killed(
    supervisor: Supervisor, tmp_path: Path, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor_module, "STOP_PATIENCE_S", 0.1)
    supervisor.add(spec("stubborn", IGNORES_TERM, ready=says(tmp_path / "logs" / "stubborn.log")))
    supervisor.start_all()
    process = process_of(supervisor, "stubborn")

    supervisor.stop()

    assert is_gone(process)
    assert lines[-1] == "stubborn did not stop by itself and was killed"


def test_a_paused_process_is_stopped_too(supervisor: Supervisor, tmp_path: Path, lines: list[str]) -> None:
    supervisor.add(spec("paused", SLEEPER, ready=says(tmp_path / "logs" / "paused.log")))
    supervisor.start_all()
    process = process_of(supervisor, "paused")
    process.suspend()

    supervisor.stop()

    assert is_gone(process)
    assert not any("was killed" in line for line in lines)


def test_trouble_in_a_tick_is_told_once_and_ends_nothing(supervisor: Supervisor, lines: list[str]) -> None:
    ticks = iter([None, ConnectionError("no Redis"), ConnectionError("still no Redis"), None])

    def tick() -> None:
        try:
            error = next(ticks)
        except StopIteration:
            supervisor.request_stop()
            return
        if error is not None:
            raise error

    supervisor.run_until_stopped(tick, tick_s=0)

    assert lines == ["in trouble: ConnectionError: no Redis", "out of trouble again"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_run(supervisor: Supervisor, number: signal.Signals) -> None:
    supervisor.add(spec("one", SLEEPER))
    supervisor.start_all()

    supervisor.run_until_stopped(lambda: os.kill(os.getpid(), number), tick_s=0)


def test_a_signal_while_starting_is_an_interrupt(supervisor: Supervisor) -> None:
    def ready() -> bool:
        os.kill(os.getpid(), signal.SIGTERM)
        return False

    supervisor.add(spec("one", SLEEPER, ready=ready))

    with pytest.raises(KeyboardInterrupt):
        supervisor.start_all()


def test_stopping_gives_the_signals_back(supervisor: Supervisor) -> None:
    before = signal.getsignal(signal.SIGTERM)
    supervisor.add(spec("one", SLEEPER))
    supervisor.start_all()
    assert signal.getsignal(signal.SIGTERM) != before

    supervisor.stop()

    assert signal.getsignal(signal.SIGTERM) == before


def start_another(root: Path, **programs: str) -> subprocess.Popen[str]:
    arguments = [part for name, code in programs.items() for part in (name, code)]
    another = subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR, str(root), *arguments], stdout=subprocess.PIPE, text=True
    )
    assert another.stdout is not None
    for line in another.stdout:
        if line == "started\n":
            return another
    raise AssertionError("it did not start")


def recorded_groups(root: Path) -> list[Group]:
    run_dir = root / "run"
    records = [Record.read(path) for path in sorted(run_dir.glob("*.pid"))]
    return [Group(record.pid, str(run_dir)) for record in records if record is not None]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells a process of its parent's death")
def test_nothing_survives_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    with start_another(tmp_path, plain=SLEEPER, stubborn=IGNORES_TERM, parent=PARENT) as another:
        log = tmp_path / "logs" / "stubborn.log"
        assert wait_until(says(log), PATIENCE_S)
        groups = recorded_groups(tmp_path)
        assert all(group.members() for group in groups)

        another.kill()

    assert wait_until(lambda: not any(group.members() for group in groups), PATIENCE_S)
    assert wait_until(lambda: list((tmp_path / "run").iterdir()) == [], PATIENCE_S), "the janitor tidies up"


def test_ctrl_c_stops_everything(tmp_path: Path) -> None:
    with start_another(tmp_path, plain=SLEEPER, parent=PARENT) as another:
        groups = recorded_groups(tmp_path)

        another.send_signal(signal.SIGINT)
        output, _ = another.communicate(timeout=PATIENCE_S)

    assert output == "stopped\n"
    assert another.returncode == 0
    assert not any(group.members() for group in groups)


def test_a_record_of_a_reused_pid_harms_nobody(supervisor: Supervisor, tmp_path: Path, lines: list[str]) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "old.pid").write_text(
        f'{{"name": "old", "pid": {os.getpid()}, "start_time": 1.0}}', encoding="utf-8"
    )
    (tmp_path / "run" / "cut.pid").write_text("{", encoding="utf-8")
    supervisor.add(spec("one", SLEEPER))

    supervisor.start_all()

    assert lines == ["starting one"]
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["one.pid"]
