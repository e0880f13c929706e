"""A run in this process, or in several, each with its share of the targets and of both rates.

The processes are started afresh (spawn) and told to stop over a pipe, whose end they also take for a stop: nothing
goes on when the first one is killed. Ctrl-C goes to the first process only, which then asks the others what they have.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import signal
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection, wait
from typing import Any

from flexhub.load.engine.crowd import Crowd, Plan
from flexhub.load.engine.tally import Tally
from flexhub.load.engine.targets import Target


class ProcessLost(RuntimeError):
    """A process of the run ended without saying what it had counted."""


def run(plan: Plan, targets: Sequence[Target], processes: int = 1) -> Tally:
    """The whole run; ends early, with what there is by then, on SIGINT. Raises ProcessLost."""
    processes = min(processes, len(targets))
    if processes <= 1:
        return asyncio.run(_until_interrupted(plan, targets))
    share = replace(plan, rate=plan.rate / processes, connect_rate=plan.connect_rate / processes)
    return _in_processes(share, [targets[start::processes] for start in range(processes)])


async def _until_interrupted(plan: Plan, targets: Sequence[Target]) -> Tally:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()

    def interrupt() -> None:
        stop.set()
        loop.remove_signal_handler(signal.SIGINT)  # The second time it ends everything at once.

    loop.add_signal_handler(signal.SIGINT, interrupt)
    try:
        return await Crowd(plan, targets).run(stop)
    finally:
        loop.remove_signal_handler(signal.SIGINT)


def _in_processes(plan: Plan, shares: list[Sequence[Target]]) -> Tally:
    context = multiprocessing.get_context("spawn")
    pipes: list[Connection[Any, Any]] = []
    started: list[Any] = []
    # What ignores SIGINT when it is started goes on ignoring it, from its first instruction on.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        for share in shares:
            ours, theirs = context.Pipe()
            process = context.Process(target=_work, args=(theirs, plan, share), daemon=True)
            process.start()
            theirs.close()
            pipes.append(ours)
            started.append(process)
    finally:
        signal.signal(signal.SIGINT, before)
    try:
        return _collect(pipes)
    finally:
        for pipe in pipes:
            pipe.close()
        for process in started:
            process.join()


def _collect(pipes: list[Connection[Any, Any]]) -> Tally:
    total, open_pipes = Tally(), list(pipes)
    while open_pipes:
        try:
            ready = wait(open_pipes)
        except KeyboardInterrupt:
            _stop(open_pipes)
            continue
        for pipe in [each for each in open_pipes if each in ready]:
            try:
                total.add(Tally.of(pipe.recv()))
            except EOFError as error:
                raise ProcessLost("a process of the load test ended by itself; see its message above") from error
            open_pipes.remove(pipe)
    return total


def _stop(pipes: list[Connection[Any, Any]]) -> None:
    for pipe in pipes:
        with suppress(OSError):
            pipe.send("stop")


def _work(pipe: Connection[Any, Any], plan: Plan, targets: Sequence[Target]) -> None:
    """What each process runs."""
    tally = asyncio.run(_until_told(pipe, plan, targets))
    with suppress(OSError):
        pipe.send(tally.as_dict())


async def _until_told(pipe: Connection[Any, Any], plan: Plan, targets: Sequence[Target]) -> Tally:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()

    def told() -> None:
        stop.set()
        loop.remove_reader(pipe.fileno())

    loop.add_reader(pipe.fileno(), told)
    try:
        return await Crowd(plan, targets).run(stop)
    finally:
        loop.remove_reader(pipe.fileno())
