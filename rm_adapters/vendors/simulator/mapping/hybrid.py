"""The hybrid heat pump under Demand Driven Based Control: electricity or gas, for the same heat.

The demand, and what an actuator supplies, is heat in W.
"""

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
    units,
)
from s2.messages import (
    Commodity,
    CommodityQuantity,
    ControlType,
    DDBCActuatorDescription,
    DDBCInstruction,
    Instruction,
    RoleType,
)

_L1, _GAS = CommodityQuantity.ELECTRIC_POWER_L1, CommodityQuantity.NATURAL_GAS_FLOW_RATE
_UNITS = ("pump", "boiler")
_SAFE = Bounds(of="house_c", low=8.0, high=28.0, reason=Reason.SAFETY)
_MIN_RUN, _MIN_REST = timedelta(minutes=10), timedelta(minutes=5)

#: The demand is told in steps, and may be missed by this share of it.
_DEMAND_STEP_W, _DEMAND_SLACK = 500.0, 0.25


def snapshot(answer: Mapping[str, Any], observed_at: datetime, online: bool) -> Snapshot:
    return Snapshot(
        observed_at=observed_at,
        online=online,
        powers={_L1: answer["electric"], _GAS: units.gas_w_to_l_per_s(answer["gas"])},
        facts={"house_c": answer["house"], "demand_w": answer["demand"], "units": answer["units"]},
    )


def describe(device: Device, snapshot: Snapshot) -> Flex:
    control_type = ControlType.DEMAND_DRIVEN_BASED_CONTROL
    details = drafts.resource_details(
        "simulator",
        device,
        roles={
            Commodity.ELECTRICITY: RoleType.ENERGY_CONSUMER,
            Commodity.GAS: RoleType.ENERGY_CONSUMER,
        },
        measures=(_L1, _GAS),
        control_types=(control_type,),
        processing_delay=timedelta(seconds=2),
    )
    demand_w = round(snapshot.facts["demand_w"] / _DEMAND_STEP_W) * _DEMAND_STEP_W
    offer = Offer(
        control_type=control_type,
        description=drafts.ddbc_description(_pump(device), _boiler(device)),
        active=tuple(_active(device, snapshot, unit) for unit in _UNITS),
        demand=drafts.number_range((1.0 - _DEMAND_SLACK) * demand_w, (1.0 + _DEMAND_SLACK) * demand_w),
    )
    return Flex(details=details, offers=(offer,), limits=Limits(bounds=(_SAFE,)))


def plan(device: Device, snapshot: Snapshot, instruction: Instruction) -> Command | Reject:
    if not isinstance(instruction, DDBCInstruction):
        return Reject(Reason.CONTRACT, "a unit is told its mode and factor")
    unit = next((each for each in _UNITS if _id(device, each) == instruction.actuator_id), None)
    modes = ("off", "on")
    mode = next((each for each in modes if unit and _id(device, unit, each) == instruction.operation_mode_id), None)
    if unit is None or mode is None:
        return Reject(Reason.CONTRACT, f"there is no mode {instruction.operation_mode_id}")
    factor = instruction.operation_mode_factor if mode == "on" else 0.0
    others = [told["heat"] for name, told in snapshot.facts["units"].items() if name != unit]
    # As long as the other one heats, the house does not cool down.
    direction = 1 if mode == "on" else 0 if any(others) else -1
    return Command(
        operation="set",
        arguments={"unit": unit, "mode": mode, "factor": factor},
        drives={"house_c": direction},
    )


def confirmed(command: Command, snapshot: Snapshot) -> bool | None:
    unit = snapshot.facts["units"][command.arguments["unit"]]
    return bool(
        unit["setting"] == command.arguments["mode"]
        and (unit["setting"] == "auto" or unit["factor"] == command.arguments["factor"])
    )


def release(snapshot: Snapshot, _original: Snapshot) -> list[Command]:
    """Both units decide for themselves again."""
    told = snapshot.facts["units"]
    return [
        Command(operation="set", arguments={"unit": name, "mode": "auto"})
        for name in _UNITS
        if told[name]["setting"] != "auto"
    ]


def _pump(device: Device) -> DDBCActuatorDescription:
    low_w, high_w = (units.kw_to_w(each) for each in device.facts["pump_kw"])
    cop = device.facts["cop"]
    off, on = _id(device, "pump", "off"), _id(device, "pump", "on")
    run, rest = _id(device, "pump", "min-run"), _id(device, "pump", "min-rest")
    return drafts.ddbc_actuator(
        _id(device, "pump"),
        "heat pump",
        commodities=(Commodity.ELECTRICITY,),
        modes=(
            drafts.ddbc_mode(off, "off", (0.0, 0.0), drafts.power_range(_L1, 0.0)),
            drafts.ddbc_mode(on, "on", (low_w, high_w), drafts.power_range(_L1, low_w / cop, high_w / cop)),
        ),
        transitions=(
            drafts.transition(off, on, starts=(run,), blocked_by=(rest,)),
            drafts.transition(on, off, starts=(rest,), blocked_by=(run,)),
        ),
        timers=(
            drafts.blocking_timer(run, _MIN_RUN, "shortest run"),
            drafts.blocking_timer(rest, _MIN_REST, "shortest rest"),
        ),
    )


def _boiler(device: Device) -> DDBCActuatorDescription:
    low_w, high_w = (units.kw_to_w(each) for each in device.facts["boiler_kw"])
    efficiency = device.facts["boiler_efficiency"] / 100.0
    flows = tuple(units.gas_w_to_l_per_s(each / efficiency) for each in (low_w, high_w))
    off, on = _id(device, "boiler", "off"), _id(device, "boiler", "on")
    return drafts.ddbc_actuator(
        _id(device, "boiler"),
        "gas boiler",
        commodities=(Commodity.GAS,),
        modes=(
            drafts.ddbc_mode(off, "off", (0.0, 0.0), drafts.power_range(_GAS, 0.0)),
            drafts.ddbc_mode(on, "on", (low_w, high_w), drafts.power_range(_GAS, *flows)),
        ),
        transitions=(drafts.transition(off, on), drafts.transition(on, off)),
    )


def _active(device: Device, snapshot: Snapshot, unit: str) -> Active:
    told = snapshot.facts["units"][unit]
    low_w, high_w = (units.kw_to_w(each) for each in device.facts[f"{unit}_kw"])
    on = told["heat"] > 0.0
    return Active(
        actuator_id=_id(device, unit),
        mode_id=_id(device, unit, "on" if on else "off"),
        # Rounded, so that each watt is not news.
        factor=round(min(max((told["heat"] - low_w) / (high_w - low_w), 0.0), 1.0), 2) if on else 0.0,
        since=datetime.fromisoformat(told["since"]) if told["since"] else None,
    )


def _id(device: Device, *names: str) -> str:
    return stable_id("simulator", device.key, *names)
