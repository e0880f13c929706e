"""What a home's process writes down each second: its figures for the demo, its state for its own restart."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from flexhub.demo.config import HomeConfig
from flexhub.demo.household import Household, Households
from flexhub.demo.physics.states import read_state
from flexhub.demo.rm.client import Client
from flexhub.demo.rm.timing import utc

log = logging.getLogger(__name__)


def figures(config: HomeConfig, world: Households, clients: Sequence[Client]) -> dict[str, Any]:
    """Energy in Wh, money in EUR, durations in simulated seconds; for `on`, `off`, `metered` see `Households`."""
    states, off = world.on.state(), _side(world.off)
    return {
        "home": config.home,
        "clock": config.clock,
        "begin": utc(world.begin_s).isoformat(),
        "time": utc(world.time_s).isoformat(),
        "mean_import_eur_per_kwh": world.on.accounts.tariff.mean_import_eur_per_kwh,
        "initially_stored_wh": world.initially_stored_wh,
        "on": _side(world.on),
        "off": off,
        "metered": off if world.metered is None else _side(world.metered),
        "devices": [
            _device(kind=device.kind, client=client, state=states.get(device.kind, {}))
            for device, client in zip(config.devices, clients, strict=True)
        ],
        "connected": sum(client.connected for client in clients),
        "total": len(clients),
        "state": world.state(),
    }


def _side(household: Household) -> dict[str, Any]:
    heat_pump, ev, dishwasher = household.heat_pump, household.ev, household.dishwasher
    accounts = {name: value for name, value in read_state(household.accounts).items() if not name.startswith("_")}
    return accounts | {
        "stored_wh": household.stored_wh(),
        "net_w": household.net_w,
        "discomfort_s": 0.0 if heat_pump is None else heat_pump.discomfort_s,
        "ev_departures": 0 if ev is None else ev.departures,
        "ev_missed_departures": 0 if ev is None else ev.missed_departures,
        "ev_missed_wh": 0.0 if ev is None else ev.missed_wh,
        "dishwasher_late_s": 0.0 if dishwasher is None else dishwasher.late_s,
    }


def _device(kind: str, client: Client, state: dict[str, Any]) -> dict[str, Any]:
    conversation, resource = client.conversation, client.resource
    control_type = None if conversation is None else conversation.control_type
    return {
        "node_id": str(resource.identity.node_id),
        "kind": kind,
        "name": resource.identity.name,
        "connected": client.connected,
        "control_type": None if control_type is None else control_type.value,
        "power_w": resource.power_w(),
        "instructions": dict(resource.outcomes),
        "last_refusal": resource.last_refusal,
        "state": state,
    }


def write(path: Path, content: dict[str, Any]) -> None:
    """Atomic: a reader sees the old file or the new one. A full disk is logged, and the home goes on."""
    scratch = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        scratch.write_text(json.dumps(content), encoding="utf-8")
        scratch.replace(path)
    except OSError as error:
        log.warning("cannot write %s: %s", path, error)


def saved_state(path: Path, clock: str) -> dict[str, Any] | None:
    """The state that an earlier process of the same home left behind, if it lived on the same clock."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(content, dict) or content.get("clock") != clock or not isinstance(content.get("state"), dict):
        return None
    state: dict[str, Any] = content["state"]
    return state
