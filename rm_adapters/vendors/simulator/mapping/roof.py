"""The solar roof under Power Envelope Based Control: its production can be limited, and is lost then."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from math import pi, sin
from typing import Any

from rm_adapters.sdk import (
    Command,
    Device,
    Flex,
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
    Instruction,
    PEBCInstruction,
    PEBCPowerEnvelopeConsequenceType,
    PowerForecast,
    RoleType,
)

_L1 = CommodityQuantity.ELECTRIC_POWER_L1
_STEP = timedelta(minutes=15)
_STEPS = 96


def snapshot(answer: Mapping[str, Any], observed_at: datetime, online: bool) -> Snapshot:
    return Snapshot(
        observed_at=observed_at,
        online=online,
        powers={_L1: units.produced_kw_to_w(answer["production_kw"])},
        facts={"limit_w": answer["limit_w"]},
    )


def describe(device: Device, snapshot: Snapshot) -> Flex:
    control_type = ControlType.POWER_ENVELOPE_BASED_CONTROL
    peak_w = units.kw_to_w(device.facts["peak_kw"])
    details = drafts.resource_details(
        "simulator",
        device,
        roles={Commodity.ELECTRICITY: RoleType.ENERGY_PRODUCER},
        measures=(_L1,),
        control_types=(control_type,),
        processing_delay=timedelta(seconds=2),
        forecasts=True,
    )
    constraints = drafts.power_constraints(
        stable_id("simulator", device.key, "limits"),
        _L1,
        lower=[(units.produced_w(peak_w), 0.0)],
        upper=[(0.0, 0.0)],
        consequence=PEBCPowerEnvelopeConsequenceType.VANISH,
    )
    offer = Offer(control_type=control_type, description=constraints)
    return Flex(details=details, offers=(offer,), forecast=_forecast(peak_w, snapshot.observed_at))


def plan(_device: Device, _snapshot: Snapshot, instruction: Instruction) -> Command | Reject:
    """The lower limit is the most that may be produced; the upper one has no choice but 0."""
    if not isinstance(instruction, PEBCInstruction):
        return Reject(Reason.CONTRACT, "a roof is told its limits")
    (envelope,) = instruction.power_envelopes
    return Command(operation="set", arguments={"limit_w": -envelope.power_envelope_elements[0].lower_limit})


def confirmed(command: Command, snapshot: Snapshot) -> bool | None:
    return bool(snapshot.facts.get("limit_w") == command.arguments["limit_w"])


def release(snapshot: Snapshot, original: Snapshot) -> list[Command]:
    """The limit that there was before, as the grid operator may have set one."""
    before = original.facts["limit_w"]
    return [] if snapshot.facts["limit_w"] == before else [Command(operation="set", arguments={"limit_w": before})]


def _forecast(peak_w: float, now: datetime) -> PowerForecast:
    """A clear day, in quarters of an hour from the present one on."""
    start = now.replace(minute=now.minute // 15 * 15, second=0, microsecond=0)
    middles = [start + (index + 0.5) * _STEP for index in range(_STEPS)]
    expected = [units.produced_w(peak_w * max(0.0, sin(pi * (_hour(each) - 6.0) / 12.0))) for each in middles]
    return drafts.power_forecast(start, _STEP, expected, quantity=_L1, spread=0.2)


def _hour(moment: datetime) -> float:
    return moment.hour + moment.minute / 60.0 + moment.second / 3600.0
