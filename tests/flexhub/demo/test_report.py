"""What a home writes down."""

import json
from pathlib import Path

from flexhub.clock import Clock
from flexhub.demo import figures, report
from flexhub.demo.build import households
from flexhub.demo.config import HomeConfig
from flexhub.demo.household import Households
from flexhub.demo.resources import resources
from flexhub.demo.rm.client import Client
from tests.support.demo_home import EVERY_DEVICE, MORNING, home_config


def clients(config: HomeConfig, world: Households) -> list[Client]:
    clock = Clock.system()
    return [
        Client(resource, "ws://127.0.0.1:1", "secret", clock, world, lambda: None)
        for resource in resources(config, world, clock)
    ]


def test_a_report_is_what_the_street_can_sum(tmp_path: Path) -> None:
    config = home_config()
    world = households(config, MORNING.timestamp())
    world.advance(world.time_s + 3600)
    path = tmp_path / "report.json"

    report.write(path, report.figures(config, world, clients(config, world)))

    street = figures.read([path])
    assert street is not None
    assert (street.homes, street.connected, street.devices, street.hours) == (1, 0, 6, 1.0)
    assert list(tmp_path.iterdir()) == [path]
    assert "secret" not in path.read_text(encoding="utf-8")


def test_the_metered_home_is_reported_or_else_the_twin() -> None:
    full, plain = home_config(), home_config({"PV": EVERY_DEVICE["PV"]})
    reports = []
    for config in (full, plain):
        world = households(config, MORNING.timestamp())
        world.advance(world.time_s + 3600)
        reports.append(report.figures(config, world, clients(config, world)))

    assert reports[0]["metered"].keys() == reports[0]["off"].keys()
    assert reports[0]["metered"]["import_wh"] < reports[0]["off"]["import_wh"]
    assert reports[1]["metered"] == reports[1]["off"]


def test_the_state_comes_back_on_the_same_clock_only(tmp_path: Path) -> None:
    config = home_config()
    world = households(config, MORNING.timestamp())
    path = tmp_path / "report.json"
    report.write(path, report.figures(config, world, clients(config, world)))

    assert report.saved_state(path, "system") == json.loads(json.dumps(world.state()))
    assert report.saved_state(path, "another clock") is None
    assert report.saved_state(tmp_path / "nowhere.json", "system") is None


def test_a_place_that_cannot_be_written_is_survived(tmp_path: Path) -> None:
    report.write(tmp_path / "no folder" / "report.json", {})

    assert list(tmp_path.iterdir()) == []
