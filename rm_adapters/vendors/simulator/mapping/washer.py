"""The washing machine under Power Profile Based Control: washing may be paused, spinning may not."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from rm_adapters.sdk import Command, Device, Flex, Offer, Reason, Reject, Snapshot, drafts, stable_id
from s2.messages import (
    Commodity,
    CommodityQuantity,
    ControlType,
    Instruction,
    PPBCEndInterruptionInstruction,
    PPBCPowerProfileDefinition,
    PPBCPowerProfileStatus,
    PPBCPowerSequenceContainerStatus,
    PPBCPowerSequenceStatus,
    PPBCScheduleInstruction,
    PPBCStartInterruptionInstruction,
    RoleType,
)

_L1 = CommodityQuantity.ELECTRIC_POWER_L1
_LONGEST_PAUSE = timedelta(hours=1)
_PARTS = ("wash", "spin")
_INTERRUPTIBLE = "wash"

_STATUSES = {
    "waiting": PPBCPowerSequenceStatus.NOT_SCHEDULED,
    "running": PPBCPowerSequenceStatus.EXECUTING,
    "paused": PPBCPowerSequenceStatus.INTERRUPTED,
    "finished": PPBCPowerSequenceStatus.FINISHED,
}
_BEGUN = ("running", "paused", "finished")

#: In which states of a part each action has had its effect.
_EFFECTS = {"start": _BEGUN, "pause": ("paused",), "resume": ("running", "finished")}


def snapshot(answer: Mapping[str, Any], observed_at: datetime, online: bool) -> Snapshot:
    return Snapshot(
        observed_at=observed_at,
        online=online,
        powers={_L1: answer["power"]},
        facts={each: answer[each] for each in ("filled_at", "ready_by", "parts")},
    )


def describe(device: Device, snapshot: Snapshot) -> Flex:
    control_type = ControlType.POWER_PROFILE_BASED_CONTROL
    details = drafts.resource_details(
        "simulator",
        device,
        roles={Commodity.ELECTRICITY: RoleType.ENERGY_CONSUMER},
        measures=(_L1,),
        control_types=(control_type,),
        processing_delay=timedelta(seconds=2),
    )
    offer = Offer(
        control_type=control_type, description=_profile(device, snapshot), reports=(_status(device, snapshot),)
    )
    return Flex(details=details, offers=(offer,))


def plan(device: Device, snapshot: Snapshot, instruction: Instruction) -> Command | Reject:
    if not isinstance(
        instruction, PPBCScheduleInstruction | PPBCStartInterruptionInstruction | PPBCEndInterruptionInstruction
    ):
        return Reject(Reason.CONTRACT, "a washing machine is told when to run")
    parts = snapshot.facts["parts"]
    named = instruction.sequence_container_id
    part = next((name for name in _PARTS if _id(device, snapshot, name) == named), None)
    if part is None:
        return Reject(Reason.CONTRACT, f"there is no container {named} any more")
    state = parts[part]["state"]
    match instruction:
        case PPBCScheduleInstruction():
            return _start(part, state, parts)
        case PPBCStartInterruptionInstruction() if part != _INTERRUPTIBLE or state not in ("running", "paused"):
            return Reject(Reason.CONTRACT, f"{part} cannot be paused now")
        case PPBCEndInterruptionInstruction() if state not in ("running", "paused"):
            return Reject(Reason.CONTRACT, f"{part} is not paused")
    return _action(part, "pause" if isinstance(instruction, PPBCStartInterruptionInstruction) else "resume")


def confirmed(command: Command, snapshot: Snapshot) -> bool | None:
    part = snapshot.facts["parts"][command.arguments["part"]]
    return part["state"] in _EFFECTS[command.arguments["action"]]


def release(snapshot: Snapshot, _original: Snapshot) -> list[Command]:
    """What runs is let run to its end, what is paused goes on: nobody finds half-washed laundry."""
    parts = snapshot.facts["parts"]
    return [_action(name, "resume") for name in _PARTS if parts[name]["state"] == "paused"]


def _start(part: str, state: str, parts: Mapping[str, Any]) -> Command | Reject:
    if part != "wash" and parts["wash"]["state"] != "finished":
        return Reject(Reason.CONTRACT, "washing comes first")
    if state == "finished":
        return Reject(Reason.CONTRACT, f"{part} is over")
    return _action(part, "start")


def _action(part: str, action: str) -> Command:
    return Command(operation="set", arguments={"part": part, "action": action})


def _profile(device: Device, snapshot: Snapshot) -> PPBCPowerProfileDefinition:
    containers = [
        drafts.container(
            _id(device, snapshot, name),
            drafts.sequence(
                _id(device, snapshot, name, "sequence"),
                [(timedelta(minutes=minutes), power_w) for minutes, power_w in device.facts["parts"][name]],
                quantity=_L1,
                interruptible=name == _INTERRUPTIBLE,
                max_pause_before=None if name == "wash" else _LONGEST_PAUSE,
            ),
        )
        for name in _PARTS
    ]
    start, end = (datetime.fromisoformat(snapshot.facts[each]) for each in ("filled_at", "ready_by"))
    return drafts.power_profile(_id(device, snapshot, "profile"), start, end, *containers)


def _status(device: Device, snapshot: Snapshot) -> PPBCPowerProfileStatus:
    return drafts.profile_status(*(_part_status(device, snapshot, name) for name in _PARTS))


def _part_status(device: Device, snapshot: Snapshot, name: str) -> PPBCPowerSequenceContainerStatus:
    part = snapshot.facts["parts"][name]
    begun = part["state"] in _BEGUN
    return drafts.container_status(
        _id(device, snapshot, "profile"),
        _id(device, snapshot, name),
        _STATUSES[part["state"]],
        selected=_id(device, snapshot, name, "sequence") if begun else None,
        progress=timedelta(seconds=part["done_s"]) if begun else None,
    )


def _id(device: Device, snapshot: Snapshot, *names: str) -> str:
    """Ids are of this filling: with the next one the old ones are over."""
    return stable_id("simulator", device.key, snapshot.facts["filled_at"], *names)
