"""Whether an instruction stays within what its device offered, for all control types."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Any

from cem_service.domain.ddbc import DDBCResource
from cem_service.domain.decision import Decision
from cem_service.domain.frbc import FRBCResource
from cem_service.domain.machines import Machine
from cem_service.domain.ombc import OMBCResource
from cem_service.domain.pebc import PEBCResource
from cem_service.domain.ppbc import PPBCResource
from cem_service.domain.resource import Resource
from cem_service.instructions import ProfileInstruction
from s2.messages import (
    DDBCInstruction,
    FRBCInstruction,
    OMBCInstruction,
    PEBCInstruction,
    PPBCEndInterruptionInstruction,
    PPBCPowerSequenceStatus,
    PPBCScheduleInstruction,
    PPBCStartInterruptionInstruction,
)

# No plan looks further ahead than a day; a sequence may have to wait for one of two days to end, three times over.
LATEST = timedelta(days=8)


def assert_offered(decision: Decision, resource: Resource, now: datetime) -> None:
    message = decision.message
    assert resource.ready
    assert resource.link_id == decision.link_id
    assert math.isfinite(decision.expected_power_w)
    assert math.isfinite(decision.power_before_w)
    assert now <= message.execution_time <= now + LATEST
    # A sequence of no length ends when it starts; a device that takes its time is looked at again before it acts.
    assert now <= decision.until
    assert not message.abnormal_condition
    if isinstance(message, FRBCInstruction):
        assert isinstance(resource, FRBCResource)
        _assert_rate_offered(message, resource, now)
    elif isinstance(message, OMBCInstruction):
        assert isinstance(resource, OMBCResource)
        assert resource.machine is not None
        _assert_mode_offered(message, resource.machine)
    elif isinstance(message, DDBCInstruction):
        assert isinstance(resource, DDBCResource)
        actuator = next(one for one in resource.actuators if one.actuator_id == message.actuator_id)
        _assert_mode_offered(message, actuator)
    elif isinstance(message, PEBCInstruction):
        assert isinstance(resource, PEBCResource)
        assert_envelope_offered(message, resource)
    else:
        assert isinstance(message, ProfileInstruction)
        assert isinstance(resource, PPBCResource)
        assert_sequence_offered(message, resource)


def _assert_rate_offered(message: FRBCInstruction, resource: FRBCResource, now: datetime) -> None:
    actuator = next(one for one in resource.actuators if one.actuator_id == message.actuator_id)
    mode = actuator.modes[message.operation_mode]
    assert 0.0 <= message.operation_mode_factor <= 1.0
    assert not mode.abnormal_condition_only
    assert actuator.may_switch(mode.mode_id, now)
    assert mode.element_at(resource.fill_level or 0.0) is not None


def _assert_mode_offered(message: OMBCInstruction | DDBCInstruction, machine: Machine[Any]) -> None:
    assert 0.0 <= message.operation_mode_factor <= 1.0
    assert not machine.modes[message.operation_mode_id].abnormal_condition_only
    assert machine.may_switch(message.operation_mode_id, message.execution_time)
    if message.operation_mode_id != machine.active_mode_id:
        assert machine.on_its_way_s(message.execution_time) == 0.0


def assert_envelope_offered(message: PEBCInstruction, resource: PEBCResource) -> None:
    assert message.power_constraints_id == resource.constraints_id
    by_quantity = {limits.quantity: limits for limits in resource.limits}
    told = [envelope.commodity_quantity for envelope in message.power_envelopes]
    assert told
    assert len(told) == len(set(told))
    for envelope in message.power_envelopes:
        limits = by_quantity[envelope.commodity_quantity]
        lasts = timedelta(milliseconds=sum(piece.duration for piece in envelope.power_envelope_elements))
        assert resource.valid_until is None or message.execution_time + lasts <= resource.valid_until
        for piece in envelope.power_envelope_elements:
            assert piece.duration > 0
            assert limits.offers(piece.lower_limit, piece.upper_limit)


def assert_sequence_offered(message: ProfileInstruction, resource: PPBCResource) -> None:
    profile = next(one for one in resource.profiles if one.profile_id == message.power_profile_id)
    container = profile.container(message.sequence_container_id)
    assert container is not None
    sequence = container.sequence(message.power_sequence_id)
    assert sequence is not None
    if isinstance(message, PPBCScheduleInstruction):
        assert container.pending
        assert message.execution_time >= profile.start_time
        return
    assert sequence.is_interruptible
    assert container.selected_sequence_id == sequence.sequence_id
    if isinstance(message, PPBCStartInterruptionInstruction):
        assert container.status is PPBCPowerSequenceStatus.EXECUTING
    else:
        assert isinstance(message, PPBCEndInterruptionInstruction)
        assert container.status is PPBCPowerSequenceStatus.INTERRUPTED
