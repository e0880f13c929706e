"""Finding, starting and ending server processes.

A server is recognised by its command line, which names its data, not by a pid file: a pid may have passed to another
program since the file was written.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from flexhub.embedded.account import Account

TETHER = Path(__file__).with_name("tether.py")
_POLL_S = 0.02


def find_process(program: str, argument: str, account: Account) -> psutil.Process | None:
    """The process of `account` whose program has this name and whose arguments hold `argument`."""
    found = {}
    for process in psutil.process_iter(["pid", "ppid", "cmdline", "uids", "status"]):
        line = process.info["cmdline"] or [""]
        uids = process.info["uids"]
        if Path(line[0]).name != program or argument not in line or process.info["status"] == psutil.STATUS_ZOMBIE:
            continue
        if uids is not None and uids.real == account.uid:
            found[process.pid] = process
    # A child that was just forked shows its parent's command line.
    return next((process for process in found.values() if process.info["ppid"] not in found), None)


def spawn(
    argv: Sequence[str],
    account: Account,
    folder: Path,
    log: Path,
    *,
    tether_signal: signal.Signals | None,
    environment: Mapping[str, str],
) -> psutil.Process:
    """Start a server in a session of its own, its output going to the end of `log`.

    With `tether_signal` it gets that signal when the calling thread ends, however it ends (Linux).
    """
    tether = [sys.executable, "-I", "-S", str(TETHER), "--folder", str(folder), "--umask", "077"]
    if not account.is_ours:
        tether += ["--uid", str(account.uid), "--gid", str(account.gid)]
    if tether_signal is not None:
        tether += ["--parent", str(os.getpid()), "--signal", str(int(tether_signal))]
    output = (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    pid = os.posix_spawn(
        sys.executable,
        [*tether, "--", *argv],
        dict(environment),
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            output,
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
    )
    return psutil.Process(pid)


def is_gone(process: psutil.Process) -> bool:
    """Whether it has ended. A child of ours is reaped; where nobody reaps, a zombie counts as ended."""
    try:
        if not process.is_running():
            return True
        if process.status() != psutil.STATUS_ZOMBIE:
            return False
    except psutil.NoSuchProcess:
        return True
    with suppress(ChildProcessError):
        os.waitpid(process.pid, os.WNOHANG)
    return True


def wait_until(condition: Callable[[], bool], timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_S)
    return True


def end(process: psutil.Process, steps: Sequence[tuple[signal.Signals, float]]) -> signal.Signals | None:
    """Send each signal and wait for so many seconds, until the process has ended; then end what it left behind.

    A process that was paused is continued after each signal, or it would never see it. Returns the last signal that
    was needed, None when the process had ended before.
    """
    if is_gone(process):
        return None
    children = _children(process)
    needed = None
    for number, timeout_s in [*steps, (signal.SIGKILL, 2.0)]:
        needed = number
        for member in (process, *children) if number is signal.SIGKILL else (process,):
            _send(member, number)
        _send(process, signal.SIGCONT)
        if wait_until(lambda: is_gone(process), timeout_s):
            break
    for child in children:
        _send(child, signal.SIGKILL)
    wait_until(lambda: all(is_gone(child) for child in children), 2.0)
    return needed


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _send(process: psutil.Process, number: signal.Signals) -> None:
    # psutil compares start times first, so a pid that has passed to another program is left alone.
    with suppress(psutil.NoSuchProcess):
        process.send_signal(number)
