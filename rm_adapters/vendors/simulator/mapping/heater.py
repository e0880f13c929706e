"""The electric heater under Operation Mode Based Control. It may be off as long as the room is warm enough."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from rm_adapters.sdk import (
    Active,
    Bounds,
    Command,
    Device,
    Flex,
    Limits,
    Offer,
    Reason,
    Reject,
    Snapshot,
    drafts,
    stable_id,
)
from s2.messages import (
    Commodity,
    CommodityQuantity,
    ControlType,
    Instruction,
    OMBCInstruction,
    OMBCSystemDescription,
    RoleType,
)

_L1 = CommodityQuantity.ELECTRIC_POWER_L1
_DRIVES = {"off": -1, "on": 1, "boost": 1}

#: Frost on one side, a fire on the other: no condition makes these good.
_SAFE = Bounds(of="room_c", low=8.0, high=30.0, reason=Reason.SAFETY)

_MIN_RUN, _MIN_REST = timedelta(minutes=3), timedelta(minutes=2)


def snapshot(answer: Mapping[str, Any], observed_at: datetime, online: bool) -> Snapshot:
    return Snapshot(
        observed_at=observed_at,
        online=online,
        powers={_L1: answer["power"]},
        facts={"room_c": answer["room"], **{each: answer[each] for each in ("setting", "mode", "since")}},
    )


def describe(device: Device, snapshot: Snapshot) -> Flex:
    control_type = ControlType.OPERATION_MODE_BASED_CONTROL
    details = drafts.resource_details(
        "simulator",
        device,
        roles={Commodity.ELECTRICITY: RoleType.ENERGY_CONSUMER},
        measures=(_L1,),
        control_types=(control_type,),
        processing_delay=timedelta(seconds=2),
    )
    since = snapshot.facts["since"]
    active = Active(mode_id=_id(device, snapshot.facts["mode"]), since=datetime.fromisoformat(since) if since else None)
    offer = Offer(control_type=control_type, description=_description(device), active=(active,))
    return Flex(details=details, offers=(offer,), limits=Limits(bounds=(_SAFE,)))


def plan(device: Device, _snapshot: Snapshot, instruction: Instruction) -> Command | Reject:
    if not isinstance(instruction, OMBCInstruction):
        return Reject(Reason.CONTRACT, "a heater is told its mode")
    mode = next((each for each in _DRIVES if _id(device, each) == instruction.operation_mode_id), None)
    if mode is None:
        return Reject(Reason.CONTRACT, f"there is no mode {instruction.operation_mode_id}")
    return Command(operation="set", arguments={"mode": mode}, drives={"room_c": _DRIVES[mode]})


def confirmed(command: Command, snapshot: Snapshot) -> bool | None:
    return bool(snapshot.facts.get("setting") == command.arguments["mode"])


def release(snapshot: Snapshot, _original: Snapshot) -> list[Command]:
    """Its thermostat."""
    return [] if snapshot.facts["setting"] == "auto" else [Command(operation="set", arguments={"mode": "auto"})]


def _description(device: Device) -> OMBCSystemDescription:
    off, on, boost = (_id(device, each) for each in _DRIVES)
    run, rest = _id(device, "min-run"), _id(device, "min-rest")
    return drafts.ombc_description(
        [
            drafts.ombc_mode(_id(device, name), name, drafts.power_range(_L1, float(device.facts["power"][name])))
            for name in _DRIVES
        ],
        (
            drafts.transition(off, on, starts=(run,), blocked_by=(rest,)),
            drafts.transition(on, off, starts=(rest,), blocked_by=(run,)),
            drafts.transition(on, boost),
            drafts.transition(boost, on),
            drafts.transition(boost, off, starts=(rest,), blocked_by=(run,)),
        ),
        (
            drafts.blocking_timer(run, _MIN_RUN, "shortest run"),
            drafts.blocking_timer(rest, _MIN_REST, "shortest rest"),
        ),
    )


def _id(device: Device, name: str) -> str:
    return stable_id("simulator", device.key, name)
