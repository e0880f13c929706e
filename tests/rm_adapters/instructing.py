"""Instructions for what a simulated device has offered, as a CEM would make them."""

from __future__ import annotations

from datetime import datetime, timedelta

from s2.messages import (
    CommodityQuantity,
    DDBCInstruction,
    DDBCSystemDescription,
    FRBCInstruction,
    FRBCSystemDescription,
    Instruction,
    OMBCInstruction,
    OMBCSystemDescription,
    PEBCInstruction,
    PEBCPowerConstraints,
    PEBCPowerEnvelope,
    PEBCPowerEnvelopeElement,
    PPBCEndInterruptionInstruction,
    PPBCPowerProfileDefinition,
    PPBCScheduleInstruction,
    PPBCStartInterruptionInstruction,
)
from tests.rm_adapters.hosted_home import Home, new_id


def charge(home: Home, label: str, factor: float = 0.0, *, at: datetime | None = None) -> FRBCInstruction:
    (actuator,) = home.heard(FRBCSystemDescription)[-1].actuators
    return FRBCInstruction(
        message_id=new_id(),
        id=new_id(),
        actuator_id=actuator.id,
        operation_mode=next(mode.id for mode in actuator.operation_modes if mode.diagnostic_label == label),
        operation_mode_factor=factor,
        execution_time=at or home.now,
        abnormal_condition=False,
    )


def heat(home: Home, label: str, *, at: datetime | None = None, abnormal: bool = False) -> OMBCInstruction:
    modes = home.heard(OMBCSystemDescription)[-1].operation_modes
    return OMBCInstruction(
        message_id=new_id(),
        id=new_id(),
        execution_time=at or home.now,
        operation_mode_id=next(mode.id for mode in modes if mode.diagnostic_label == label),
        operation_mode_factor=0.0,
        abnormal_condition=abnormal,
    )


def supply(home: Home, unit: str, label: str, factor: float = 0.0) -> DDBCInstruction:
    actuators = home.heard(DDBCSystemDescription)[-1].actuators
    actuator = next(each for each in actuators if each.diagnostic_label == unit)
    return DDBCInstruction(
        message_id=new_id(),
        id=new_id(),
        execution_time=home.now,
        abnormal_condition=False,
        actuator_id=actuator.id,
        operation_mode_id=next(mode.id for mode in actuator.operation_modes if mode.diagnostic_label == label),
        operation_mode_factor=factor,
    )


def limit(home: Home, *pieces: tuple[float, float], at: datetime | None = None) -> PEBCInstruction:
    """Pieces of (minutes, most production in W)."""
    elements = tuple(
        PEBCPowerEnvelopeElement(duration=round(minutes * 60_000), upper_limit=0.0, lower_limit=-most_w)
        for minutes, most_w in pieces
    )
    envelope = PEBCPowerEnvelope(
        id=new_id(), commodity_quantity=CommodityQuantity.ELECTRIC_POWER_L1, power_envelope_elements=elements
    )
    return PEBCInstruction(
        message_id=new_id(),
        id=new_id(),
        execution_time=at or home.now,
        abnormal_condition=False,
        power_constraints_id=home.heard(PEBCPowerConstraints)[-1].id,
        power_envelopes=(envelope,),
    )


_Program = PPBCScheduleInstruction | PPBCStartInterruptionInstruction | PPBCEndInterruptionInstruction


def run_part(
    home: Home,
    number: int,
    *,
    after: timedelta = timedelta(),
    kind: type[_Program] = PPBCScheduleInstruction,
) -> _Program:
    profile = home.heard(PPBCPowerProfileDefinition)[-1]
    container = profile.power_sequences_containers[number]
    return kind(
        message_id=new_id(),
        id=new_id(),
        power_profile_id=profile.id,
        sequence_container_id=container.id,
        power_sequence_id=container.power_sequences[0].id,
        execution_time=home.now + after,
        abnormal_condition=False,
    )


def order_for(home: Home) -> Instruction:
    """Something that the device does at once and that shows."""
    match home.kind:
        case "battery":
            return charge(home, "charge", 0.5)
        case "roof":
            return limit(home, (60, 1000.0))
        case "heater":
            return heat(home, "on")
        case "hybrid":
            return supply(home, "gas boiler", "on", 0.1)
    return run_part(home, 0)
