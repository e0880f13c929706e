"""`make demo`, from its start to Ctrl-C and once more."""

from __future__ import annotations

import json
import stat
import time
import urllib.request
from collections import Counter
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from flexhub.embedded.locking import exclusive
from s2.messages import ControlType
from tests.support.hub import free_port
from tests.support.running_demo import RunningDemo, demo_folder, running_demo

# A dishwasher runs for 45 simulated minutes; at the usual pace one would wait for it four times as long.
SPEED = 240
# As few as a pool answers with; among them they have a device of each kind.
HOMES = 5
CONTROLLABLE = {"PV", "BATTERY", "EV_CHARGER", "HEAT_PUMP", "DISHWASHER"}
OBEYED_WITHIN_S = 120.0
# The supervisor kills what has not stopped after 6 s; the rest is for a busy machine.
STOPPED_WITHIN_S = 60.0


def test_the_demo_starts_works_stops_and_starts_again() -> None:
    options = ("--port", str(free_port()), "--speed", str(SPEED))
    with demo_folder() as root:
        with running_demo(root, *options, "--homes", str(HOMES)) as demo:
            ready = demo.await_ready()
            devices = [device["name"] for device in demo.devices()]
            assert f"{HOMES} homes with {len(devices)} devices" in ready
            assert "5 devices of the Cloud house are attended to" in demo.await_line(r"^  as well .*$", 5)
            check_facts(demo)
            await_obedience(demo)
            check_end(demo)
        with running_demo(root, *options, "--homes", "1") as demo:
            demo.await_line(r"gateway is ready", 60)
            check_end(demo)


def check_facts(demo: RunningDemo) -> None:
    facts = demo.facts
    assert stat.S_IMODE((demo.root / "demo.json").stat().st_mode) == 0o600
    assert facts["ws_url"] == facts["base_url"].replace("http://", "ws://") + "/s2/v0"
    assert {login["kind"] for login in facts["logins"]} == {"OPERATOR", "PROVIDER", "MANUFACTURER", "AGGREGATOR"}
    assert all(login["username"] and login["password"] for login in facts["logins"])
    spare: list[dict[str, Any]] = facts["spare_devices"]
    assert [each["control_type"] for each in spare] == [
        ControlType.FILL_RATE_BASED_CONTROL,
        ControlType.POWER_ENVELOPE_BASED_CONTROL,
    ]
    for each in spare:
        assert each["url"] == f"{facts['ws_url']}/{UUID(each['node_id'])}"
        assert each["token"]
    request = urllib.request.Request(  # noqa: S310 - Our own address.
        f"{facts['base_url']}/api/v1/pools/{UUID(facts['pool_id'])}/flexibility",
        headers={"Authorization": f"Bearer {access_token(facts)}"},
    )
    with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 - Our own address.
        assert answer.status == 200


def access_token(facts: dict[str, Any]) -> str:
    form = {
        "grant_type": "client_credentials",
        "client_id": facts["api_client_id"],
        "client_secret": facts["api_client_secret"],
    }
    with urllib.request.urlopen(f"{facts['base_url']}/oauth/token", urlencode(form).encode(), timeout=20) as answer:  # noqa: S310 - Our own address.
        token: str = json.load(answer)["access_token"]
        return token


def await_obedience(demo: RunningDemo) -> None:
    """Until all devices are connected and an instruction of each controllable kind was carried out."""
    deadline = time.monotonic() + OBEYED_WITHIN_S
    while True:
        devices = demo.devices()
        succeeded = Counter[str]()
        for device in devices:
            succeeded[device["kind"]] += device["instructions"].get("SUCCEEDED", 0)
        away = [device["name"] for device in devices if not device["connected"]]
        if not away and all(succeeded[kind] for kind in CONTROLLABLE):
            return
        assert time.monotonic() < deadline, f"away: {away}; succeeded: {succeeded}\n{demo.output}"
        time.sleep(0.5)


def check_end(demo: RunningDemo) -> None:
    """Ctrl-C ends everything: no process is left, nor a record of one, and nobody holds the lock."""
    assert demo.press_ctrl_c() < STOPPED_WITHIN_S
    assert demo.process.returncode == 0
    assert demo.leftovers() == []
    assert list((demo.root / "run").iterdir()) == []
    with exclusive(demo.root / "services.lock", print, timeout_s=0.0):
        pass
