from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from flexhub.observability.log_spool import LogSpool

PIPE_BYTES = 64 * 1024


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    yield reading, writing
    os.close(reading)


def gap(lines: int) -> str:
    return f"{lines} missing\n"


def read_up_to(descriptor: int, end: bytes) -> bytes:
    read = b""
    while not read.endswith(end):
        read += os.read(descriptor, PIPE_BYTES)
    return read


def test_writes_every_line_in_its_order(pipe: tuple[int, int]) -> None:
    spool = LogSpool(pipe[1], gap)

    for number in range(1_000):
        spool.write(f"line {number}\n")

    assert read_up_to(pipe[0], b"line 999\n").decode() == "".join(f"line {number}\n" for number in range(1_000))
    assert spool.drain(10)


def test_nobody_waits_for_a_pipe_that_is_full_and_the_gap_is_told(pipe: tuple[int, int]) -> None:
    spool = LogSpool(pipe[1], gap, limit=10)
    spool.write("x" * 2 * PIPE_BYTES + "\n")
    # From its first byte on in the pipe the thread has taken it, and waits.
    assert os.read(pipe[0], 1) == b"x"

    for number in range(1_000):
        spool.write(f"line {number}\n")

    kept = "".join(f"line {number}\n" for number in range(10))
    assert not spool.drain(0.05)
    assert read_up_to(pipe[0], b"missing\n").decode() == "x" * (2 * PIPE_BYTES - 1) + f"\n{kept}990 missing\n"
    spool.write("after\n")
    assert read_up_to(pipe[0], b"after\n") == b"after\n"


def test_a_reader_that_is_gone_ends_nothing_but_the_log() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    spool = LogSpool(writing, gap, limit=10)

    for number in range(1_000):
        spool.write(f"line {number}\n")

    # Its thread must be done with the descriptor: the next pipe would be given the same number.
    assert spool.drain(10)
    os.close(writing)


PROGRAM = """
import logging
from flexhub.observability import logs

logs.configure({"level": "INFO", "json": True})
logs.never_wait()
for number in range(20_000):
    logging.getLogger("flexhub.x").info("line %d", number)
print("done", flush=True)
"""


def test_a_process_neither_waits_for_its_reader_nor_loses_its_last_lines() -> None:
    with subprocess.Popen(
        (sys.executable, "-c", PROGRAM), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "done\n"
        written = [json.loads(line) for line in process.stderr.read().splitlines()]

    assert process.returncode == 0
    events = [line["event"] for line in written]
    last = int(events[-1].split()[0])
    assert events[-1] == f"{last} lines of the log are missing here, since nobody took them"
    assert events[:-1] == [f"line {number}" for number in range(20_000 - last)]
    assert logging.getLevelName(written[-1]["level"].upper()) == logging.WARNING
