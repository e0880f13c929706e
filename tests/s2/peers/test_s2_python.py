"""s2-python as an RM against our CEM session, over a real WebSocket on this machine and nothing else of the hub.

The same peer goes through the whole hub in tests/e2e. Here each control type has a conversation from the handshake to
the end of an instruction, and both sides must be content with every word of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from s2python.common import RoleType

from s2.events import AcknowledgementMissing, CloseRequested, ReceptionReceived
from s2.findings import Severity
from s2.messages import (
    CommodityQuantity,
    ControlType,
    FRBCActuatorStatus,
    FRBCInstruction,
    FRBCStorageStatus,
    InstructionStatus,
    InstructionStatusUpdate,
    Message,
    OMBCInstruction,
    OMBCStatus,
    PEBCInstruction,
    PEBCPowerEnvelope,
    PEBCPowerEnvelopeElement,
    PowerMeasurement,
    PPBCPowerProfileStatus,
    PPBCPowerSequenceStatus,
    PPBCScheduleInstruction,
    ReceptionStatusValues,
    SessionRequest,
    SessionRequestType,
)
from s2.versions import WireProfile
from tests.support.s2_cem import LoopbackCEM, Order, listening, new_id
from tests.support.s2_python_rm import Battery, Boiler, Peer, Roof, Washer, connected

STEPS = [InstructionStatus.ACCEPTED, InstructionStatus.STARTED, InstructionStatus.SUCCEEDED]


async def test_a_battery_is_charged() -> None:
    battery = Battery()

    async with conversation(battery, RoleType.ENERGY_STORAGE, charge) as (cem, _):
        pass

    assert_all_is_well(cem, battery)
    assert modes(cem.heard(FRBCActuatorStatus)) == [str(battery.IDLE), str(battery.CHARGE)]
    assert [status.present_fill_level for status in cem.heard(FRBCStorageStatus)] == [40.0]
    assert measured(cem) == [0.0, 5000.0]


async def test_a_roof_is_curtailed() -> None:
    roof = Roof()

    async with conversation(roof, RoleType.ENERGY_PRODUCER, curtail) as (cem, _):
        pass

    assert_all_is_well(cem, roof)
    assert roof.instructions[0].power_constraints_id == roof.CONSTRAINTS
    assert measured(cem) == [-2500.0, -1000.0]


async def test_a_boiler_is_switched_on() -> None:
    boiler = Boiler()

    async with conversation(boiler, RoleType.ENERGY_CONSUMER, switch_on) as (cem, _):
        pass

    assert_all_is_well(cem, boiler)
    assert modes(cem.heard(OMBCStatus)) == [str(boiler.OFF), str(boiler.ON)]
    assert measured(cem) == [0.0, 2000.0]


async def test_a_washer_is_scheduled() -> None:
    washer = Washer()

    async with conversation(washer, RoleType.ENERGY_CONSUMER, schedule) as (cem, _):
        pass

    assert_all_is_well(cem, washer)
    reports = cem.heard(PPBCPowerProfileStatus)
    assert [report.sequence_container_status[0].status for report in reports] == [
        PPBCPowerSequenceStatus.NOT_SCHEDULED,
        PPBCPowerSequenceStatus.SCHEDULED,
    ]


async def test_a_sequence_that_runs_cannot_tell_how_far_it_has_come() -> None:
    """The package takes `progress` for an id and cannot send a duration there, which R-99 asks for."""
    washer = Washer()

    async with conversation(washer, RoleType.ENERGY_CONSUMER, schedule) as (cem, peer):
        report = washer.report("EXECUTING", washer.SEQUENCE)
        reception = await peer.connection.send_msg_and_await_reception_status(report)

    assert reception.status.value == ReceptionStatusValues.OK
    assert [(finding.rule, finding.severity) for finding in cem.findings] == [("R-99", Severity.WARNING)]


async def test_a_goodbye_that_is_not_acknowledged_ends_the_session_all_the_same() -> None:
    """The package has no handler for SessionRequest, so it never answers one."""
    cem = LoopbackCEM(ControlType.FILL_RATE_BASED_CONTROL, goodbye, ack_timeout=timedelta(seconds=0.2))

    async with listening(cem) as url, connected(Battery(), RoleType.ENERGY_STORAGE, url):
        await asyncio.wait_for(cem.satisfied.wait(), 5)

    missing, close = cem.events[-2:]
    assert isinstance(missing, AcknowledgementMissing)
    assert isinstance(missing.message, SessionRequest)
    assert [finding.rule for finding in cem.findings] == ["R-01"]
    assert isinstance(close, CloseRequested)
    assert close.code == 1000


@asynccontextmanager
async def conversation(device: Any, role: RoleType, order: Order) -> AsyncIterator[tuple[LoopbackCEM, Peer]]:
    """From the handshake to the measurement after the order; the peer must be alive at the end."""
    cem = LoopbackCEM(ControlType(device.get_protocol_control_type().value), order)
    async with listening(cem) as url, connected(device, role, url) as peer:
        await asyncio.wait_for(cem.satisfied.wait(), 5)
        yield cem, peer
        assert peer.alive, "s2-python gave the connection up"


def assert_all_is_well(cem: LoopbackCEM, device: Any) -> None:
    """Neither side had to refuse, to warn or to wait for anything, and the instruction came to its end."""
    session = cem.session
    assert session.profile is WireProfile.V0_0_2_BETA
    assert session.control_type == device.get_protocol_control_type().value
    assert cem.findings == []
    assert set(cem.answers()) == {"OK"}
    assert {event.status for event in cem.events if isinstance(event, ReceptionReceived)} == {ReceptionStatusValues.OK}
    (entry,) = session.ledger
    assert (entry.status, entry.reception) == (InstructionStatus.SUCCEEDED, ReceptionStatusValues.OK)
    assert [update.status_type for update in cem.heard(InstructionStatusUpdate)] == STEPS
    assert [str(instruction.id) for instruction in device.instructions] == [entry.id]


def modes(statuses: list[Any]) -> list[str]:
    return [status.active_operation_mode_id for status in statuses]


def measured(cem: LoopbackCEM) -> list[float]:
    return [measurement.values[0].value for measurement in cem.heard(PowerMeasurement)]


def charge() -> Message:
    return FRBCInstruction(
        message_id=new_id(),
        id=new_id(),
        actuator_id=str(Battery.ACTUATOR),
        operation_mode=str(Battery.CHARGE),
        operation_mode_factor=1.0,
        execution_time=datetime.now(UTC),
        abnormal_condition=False,
    )


def curtail() -> Message:
    element = PEBCPowerEnvelopeElement(duration=900_000, upper_limit=0.0, lower_limit=-1000.0)
    envelope = PEBCPowerEnvelope(
        id=new_id(), commodity_quantity=CommodityQuantity.ELECTRIC_POWER_L1, power_envelope_elements=(element,)
    )
    return PEBCInstruction(
        message_id=new_id(),
        id=new_id(),
        execution_time=datetime.now(UTC),
        abnormal_condition=False,
        power_constraints_id=str(Roof.CONSTRAINTS),
        power_envelopes=(envelope,),
    )


def switch_on() -> Message:
    return OMBCInstruction(
        message_id=new_id(),
        id=new_id(),
        execution_time=datetime.now(UTC),
        operation_mode_id=str(Boiler.ON),
        operation_mode_factor=0.0,
        abnormal_condition=False,
    )


def schedule() -> Message:
    return PPBCScheduleInstruction(
        message_id=new_id(),
        id=new_id(),
        power_profile_id=str(Washer.PROFILE),
        sequence_container_id=str(Washer.CONTAINER),
        power_sequence_id=str(Washer.SEQUENCE),
        execution_time=datetime.now(UTC),
        abnormal_condition=False,
    )


def goodbye() -> Message:
    return SessionRequest(message_id=new_id(), request=SessionRequestType.TERMINATE)
