"""A simulated home with one device, as a process of its own, connected to a running hub."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen
from typing import Any

from flexhub.clock import Clock
from flexhub.demo.street import DevicePlan, HomePlan
from tests.support.early import ROOT
from tests.support.hub import Hub
from tests.support.registry import Household


@contextmanager
def home_process(
    hub: Hub, household: Household, folder: Path, kind: str, parameters: dict[str, Any]
) -> Iterator[Popen[bytes]]:
    """`folder` gets the home's report."""
    device = DevicePlan(kind, kind.title(), "", "", parameters)
    plan = HomePlan("Alder", 1, "Europe/Amsterdam", 17_250.0, None, (device,))
    config = plan.config(
        ws_url=f"ws://127.0.0.1:{hub.port}/s2/v0",
        clock=Clock.system(),
        report=folder / "report.json",
        credentials=[(str(household.rm_node.pk), household.token)],
    )
    path = folder / "home.json"
    path.write_text(json.dumps(config), encoding="utf-8")
    process = Popen([sys.executable, "-m", "flexhub.demo.home", "--config", str(path)], cwd=ROOT)
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)
