"""The program as a person starts it, without Django."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from flexhub.load.__main__ import main
from flexhub.load.engine.command import CLEAN, NOT_CLEAN, UNUSABLE
from flexhub.load.engine.targets import write_targets
from tests.support.early import ROOT
from tests.support.load_hub import LoadHub, eventually, load_hub, targets

ONLY_WHAT_IT_NEEDS = {"PYTHONPATH": str(ROOT / "platform"), "PATH": os.environ["PATH"]}


@pytest.fixture
def targets_file(tmp_path: Path) -> Path:
    write_targets(tmp_path / "targets.jsonl", targets(6))
    return tmp_path / "targets.jsonl"


@pytest.fixture
def interruptible() -> Iterator[None]:
    """What is started with SIGINT ignored, as by a shell in the background, ignores it too, and so do its children."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


async def start(hub: LoadHub, file: Path, *more: str) -> asyncio.subprocess.Process:
    arguments = ("--url", hub.url, "--targets", str(file), "--rate", "200", "--seconds", "0.5", *more)
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "flexhub.load", *arguments),
        env=ONLY_WHAT_IT_NEEDS,
        cwd=file.parent,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def outcome(process: asyncio.subprocess.Process) -> tuple[int | None, str, str]:
    output, complaints = await asyncio.wait_for(process.communicate(), 30)
    return process.returncode, output.decode(), complaints.decode()


async def test_prints_a_table(targets_file: Path) -> None:
    async with load_hub() as hub:
        code, output, complaints = await outcome(await start(hub, targets_file, "--sessions", "4"))

    assert (code, complaints) == (CLEAN, "")
    assert "4 of 4 opened" in output
    assert "100 sent in 0.5 s, 100 acknowledged" in output
    assert hub.connections == 4


async def test_several_processes_share_sessions_and_rate(targets_file: Path) -> None:
    async with load_hub() as hub:
        code, output, complaints = await outcome(await start(hub, targets_file, "--processes", "2", "--json"))

    counted: dict[str, Any] = json.loads(output)
    assert (code, complaints) == (CLEAN, "")
    assert (counted["sessions"], counted["opened"], counted["acknowledged"]) == (6, 6, 100)
    assert counted["answering"]["p50"] <= counted["answering"]["max"]
    assert not hub.findings


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("processes", ["1", "2"])
async def test_ctrl_c_prints_what_there_is_so_far(targets_file: Path, processes: str) -> None:
    async with load_hub() as hub:
        process = await start(hub, targets_file, "--seconds", "60", "--processes", processes, "--json")
        await hub.hears(30)
        process.send_signal(signal.SIGINT)
        _, output, complaints = await outcome(process)

    assert complaints == ""
    assert json.loads(output)["acknowledged"] >= 30


async def test_a_killed_run_leaves_no_process_behind(targets_file: Path) -> None:
    async with load_hub() as hub:
        process = await start(hub, targets_file, "--seconds", "60", "--processes", "2")
        await hub.hears(30)
        process.kill()
        await process.wait()
        await eventually(lambda: not hub.sessions)


async def test_ends_with_1_when_it_was_not_let_in(tmp_path: Path) -> None:
    write_targets(tmp_path / "wrong.jsonl", targets(3, token="wrong"))
    async with load_hub() as hub:
        code, output, _ = await outcome(await start(hub, tmp_path / "wrong.jsonl"))

    assert code == NOT_CLEAN
    assert "HTTP 401 (3); 3 gave up" in output
    assert "prepared against this hub?" in output


def complain(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    monkeypatch.setattr(sys, "argv", ["s2load", *arguments])
    code = UNUSABLE
    with suppress(SystemExit):  # argparse ends the program itself, with the same code.
        code = main()
    return code, capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--url", "http://hub"), "ws://"),
        (("--rate", "0"), "above 0"),
        (("--rate", "nan"), "above 0"),
        (("--rate", "fast"), "above 0"),
        (("--sessions", "0"), "whole number"),
        (("--sessions", "7"), "has 6 targets, not 7"),
        (("--mix", "noise=1"), "measurement"),
        (("--targets", "nowhere.jsonl"), "cannot read"),
    ],
)
def test_says_which_argument_is_wrong(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    targets_file: Path,
    arguments: tuple[str, ...],
    complaint: str,
) -> None:
    usual = ("--url", "ws://127.0.0.1:1", "--targets", str(targets_file))

    code, complaints = complain(monkeypatch, capsys, *usual, *arguments)

    assert code == UNUSABLE
    assert complaint in complaints


def test_says_what_to_do_where_too_few_files_may_be_open(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], targets_file: Path
) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda _: (20, 32))

    code, complaints = complain(monkeypatch, capsys, "--url", "ws://127.0.0.1:1", "--targets", str(targets_file))

    assert code == UNUSABLE
    assert "--processes" in complaints
    assert "LimitNOFILE" in complaints
