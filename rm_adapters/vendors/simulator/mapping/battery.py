"""The home battery under Fill Rate Based Control. Its fill level is the state of charge in percent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from rm_adapters.sdk import (
    FILL_LEVEL,
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
    units,
)
from s2.messages import Commodity, CommodityQuantity, ControlType, FRBCInstruction, Instruction, PowerRange, RoleType

_L1 = CommodityQuantity.ELECTRIC_POWER_L1
_MODES = ("charge", "idle", "discharge")
_DRIVES = {"charge": {FILL_LEVEL: 1}, "discharge": {FILL_LEVEL: -1}}

#: Below this the cells suffer.
_RESERVE = 10.0

#: The converter rests so long before it turns round.
_TURNING = timedelta(minutes=2)


def snapshot(answer: Mapping[str, Any], observed_at: datetime, online: bool) -> Snapshot:
    power_w = units.charge_and_discharge_kw_to_w(answer["charge_kw"], answer["discharge_kw"])
    return Snapshot(
        observed_at=observed_at,
        online=online,
        powers={_L1: power_w},
        fill_level=answer["soc"],
        facts={each: answer[each] for each in ("mode", "factor", "since")},
    )


def describe(device: Device, snapshot: Snapshot) -> Flex:
    control_type = ControlType.FILL_RATE_BASED_CONTROL
    details = drafts.resource_details(
        "simulator",
        device,
        roles={Commodity.ELECTRICITY: RoleType.ENERGY_STORAGE},
        measures=(_L1,),
        control_types=(control_type,),
        processing_delay=timedelta(seconds=2),
    )
    described = drafts.frbc_description(_actuator(device), levels=(_RESERVE, 100.0), level_label="state of charge, %")
    mode, since = snapshot.facts["mode"], snapshot.facts["since"]
    # Left to itself it stands still, which is what idle does.
    active = Active(
        actuator_id=_id(device, "battery"),
        mode_id=_id(device, mode if mode in _MODES else "idle"),
        factor=_turned(mode, snapshot.facts["factor"]),
        since=datetime.fromisoformat(since) if since else None,
    )
    level = snapshot.fill_level or 0.0
    offer = Offer(
        control_type=control_type,
        description=described,
        active=(active,),
        reports=(drafts.storage_status(level),),
    )
    bounds = Bounds(of=FILL_LEVEL, low=_RESERVE, high=100.0, reason=Reason.DURABILITY)
    return Flex(details=details, offers=(offer,), limits=Limits(bounds=(bounds,)))


def plan(device: Device, _snapshot: Snapshot, instruction: Instruction) -> Command | Reject:
    if not isinstance(instruction, FRBCInstruction):
        return Reject(Reason.CONTRACT, "a battery is told its mode and factor")
    mode = next((each for each in _MODES if _id(device, each) == instruction.operation_mode), None)
    if mode is None:
        return Reject(Reason.CONTRACT, f"there is no mode {instruction.operation_mode}")
    factor = _turned(mode, instruction.operation_mode_factor)
    return Command(operation="set", arguments={"mode": mode, "factor": factor}, drives=_DRIVES.get(mode, {}))


def confirmed(command: Command, snapshot: Snapshot) -> bool | None:
    return all(snapshot.facts.get(name) == value for name, value in command.arguments.items())


def release(snapshot: Snapshot, _original: Snapshot) -> list[Command]:
    """Its own mode; what somebody else had set there before us is not ours to set again."""
    if snapshot.facts["mode"] == "auto":
        return []
    return [Command(operation="set", arguments={"mode": "auto", "factor": 0.0})]


def _actuator(device: Device) -> Any:
    power_w = units.kw_to_w(device.facts["power_kw"])
    capacity_wh = units.kw_to_w(device.facts["capacity_kwh"])
    efficiency = device.facts["efficiency"] / 100.0
    filling = units.percent_per_s(power_w * efficiency, capacity_wh)
    emptying = units.percent_per_s(power_w / efficiency, capacity_wh)
    timer = _id(device, "turning")
    ids = {mode: _id(device, mode) for mode in _MODES}
    turns = {("charge", "discharge"), ("discharge", "charge")}
    return drafts.frbc_actuator(
        _id(device, "battery"),
        "battery",
        modes=(
            _mode(ids["charge"], "charge", (0.0, filling), drafts.power_range(_L1, 0.0, power_w)),
            _mode(ids["idle"], "idle", (0.0, 0.0), drafts.power_range(_L1, 0.0)),
            _mode(ids["discharge"], "discharge", (-emptying, 0.0), drafts.power_range(_L1, -power_w, 0.0)),
        ),
        transitions=[
            drafts.transition(
                ids[start],
                ids[end],
                starts=(timer,) if (start, end) in turns else (),
                blocked_by=(timer,) if (start, end) in turns else (),
            )
            for start in _MODES
            for end in _MODES
            if start != end
        ],
        timers=(drafts.blocking_timer(timer, _TURNING, "time between two reversals"),),
    )


def _turned(mode: str, factor: float) -> float:
    """The share of the power for an operation mode factor, and the other way round.

    Powers run upwards in each mode, because s2-python takes no others; so discharging is at its most at factor 0.
    """
    match mode:
        case "charge":
            return factor
        case "discharge":
            return round(1.0 - factor, 9)
    return 0.0


def _mode(mode_id: str, label: str, rates: tuple[float, float], power: PowerRange) -> Any:
    # A level below the reserve is reached by standing still for long, so the modes are described down to empty.
    return drafts.frbc_mode(mode_id, label, 0.0, (drafts.FillBand(100.0, rates, (power,)),))


def _id(device: Device, name: str) -> str:
    return stable_id("simulator", device.key, name)
