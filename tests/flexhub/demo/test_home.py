"""A home's process: it starts light, goes on where it was, and ends cleanly."""

import asyncio
import json
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from flexhub.clock import Clock
from flexhub.demo import home as home_module
from flexhub.demo.home import Home, main
from tests.support.demo_home import MORNING, home_config


def write_config(folder: Path, clock: Clock) -> Path:
    config = home_config(clock=str(clock), report=str(folder / "report.json"))
    path = folder / "home.json"
    path.write_text(config.model_dump_json(), encoding="utf-8")
    return path


def test_imports_neither_django_nor_numpy_nor_the_energy_manager() -> None:
    code = (
        "import sys, flexhub.demo.home;"
        "print([name for name in ('django', 'numpy', 'cem_service', 'redis') if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)

    assert done.stdout.strip() == "[]"


def test_a_config_that_is_none_is_said_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--config", str(tmp_path / "nowhere.json")]) == 2

    assert "nowhere.json" in capsys.readouterr().err


async def test_steps_bring_physics_to_the_moment(tmp_path: Path) -> None:
    config = home_config(report=str(tmp_path / "report.json"))
    home = Home(config, Clock.starting_at(MORNING, factor=1))
    later_s = home.world.time_s + 600

    home.step(later_s)

    assert home.world.time_s == later_s
    assert home.world.on.accounts.import_wh > 0


async def test_a_new_process_goes_on_where_the_old_one_was(tmp_path: Path) -> None:
    clock = Clock.starting_at(MORNING, factor=1)
    config = home_config(clock=str(clock), report=str(tmp_path / "report.json"))
    old = Home(config, clock)
    old.step(old.world.time_s + 3600)
    old._write_report()

    new = Home(config, clock)

    assert new.world.begin_s == old.world.begin_s
    assert new.world.time_s == old.world.time_s
    assert new.world.off.state() == old.world.off.state()
    assert new.world.metered is not None
    assert old.world.metered is not None
    assert new.world.metered.state() == old.world.metered.state()


async def test_a_report_of_another_making_is_left_alone(tmp_path: Path) -> None:
    clock = Clock.starting_at(MORNING, factor=1)
    config = home_config(clock=str(clock), report=str(tmp_path / "report.json"))
    config.report.write_text(json.dumps({"clock": str(clock), "state": {"time_s": 1}}), encoding="utf-8")

    home = Home(config, clock)

    assert home.world.time_s == pytest.approx(clock.now().timestamp(), abs=60)


async def test_ends_when_it_is_told_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home_module, "REPORT_EVERY_S", 0.01)
    config = home_config(report=str(tmp_path / "report.json"))
    home, stopped = Home(config, Clock.starting_at(MORNING, factor=60)), asyncio.Event()
    living = asyncio.create_task(home.live(stopped))
    await asyncio.sleep(0)

    stopped.set()
    async with asyncio.timeout(10):
        await living

    assert json.loads(config.report.read_text(encoding="utf-8"))["total"] == 6


def test_sigterm_ends_the_process_with_status_zero(tmp_path: Path) -> None:
    path = write_config(tmp_path, Clock.starting_at(MORNING - timedelta(hours=1), factor=60))
    process = subprocess.Popen([sys.executable, "-m", "flexhub.demo.home", "--config", str(path)])
    try:
        # Its first report says that it lives.
        for _ in range(600):
            if (tmp_path / "report.json").exists():
                break
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait(10)
