"""The services with a home of five devices under the five control types: all are told, planned and told again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from cem_service import services
from cem_service.models import Instruction, LedgerStatus, PlanRun
from flexhub.bus import Batch, LedgerRow
from flexhub.bus.snapshot import CONTROL_TYPE_FIELD
from flexhub.devices.models import Link
from s2.messages import (
    ControlType,
    DDBCInstruction,
    FRBCInstruction,
    Message,
    OMBCInstruction,
    OMBCStatus,
    PEBCInstruction,
    PEBCPowerConstraints,
    PEBCPowerEnvelopeConsequenceType,
    PEBCPowerEnvelopeLimitType,
    PPBCPowerProfileDefinition,
    PPBCPowerProfileStatus,
    PPBCPowerSequenceContainer,
    PPBCPowerSequenceContainerStatus,
    PPBCPowerSequenceStatus,
    PPBCScheduleInstruction,
)
from tenants.scope import platform_scope, tenant_scope
from tests.support.cem_world import World
from tests.support.mode_resources import ddbc_actuator, ddbc_messages, ddbc_mode, ombc_messages, ombc_mode, power, way
from tests.support.registry import make_device
from tests.support.resources import allowed, battery_description, measurement, new_id, sequence, store_messages

OFF_AND_ON = (way("off", "on"), way("on", "off"))
ALL = {FRBCInstruction, PEBCInstruction, PPBCScheduleInstruction, OMBCInstruction, DDBCInstruction}


def battery(now: datetime) -> Iterable[Message]:
    idle = [("actuator", "idle", 0.0)]
    return store_messages(battery_description(), levels=(0.0, 10.0), level=5.0, active=idle, now=now)


def panels(now: datetime) -> Iterable[Message]:
    constraints = PEBCPowerConstraints(
        message_id=new_id(),
        id="constraints",
        valid_from=now,
        consequence_type=PEBCPowerEnvelopeConsequenceType.VANISH,
        allowed_limit_ranges=(
            allowed(PEBCPowerEnvelopeLimitType.LOWER_LIMIT, -6000.0, 0.0),
            allowed(PEBCPowerEnvelopeLimitType.UPPER_LIMIT, 0.0, 0.0),
        ),
    )
    return constraints, measurement(-3000.0, now)


def dishwasher(now: datetime) -> Iterable[Message]:
    wash = PPBCPowerSequenceContainer(id="wash", power_sequences=(sequence("eco", (60, 1000.0)),))
    definition = PPBCPowerProfileDefinition(
        message_id=new_id(),
        id="profile",
        start_time=now,
        end_time=now + timedelta(hours=12),
        power_sequences_containers=(wash,),
    )
    return definition, programme(PPBCPowerSequenceStatus.NOT_SCHEDULED)


def programme(status: PPBCPowerSequenceStatus) -> Message:
    waits = status is PPBCPowerSequenceStatus.NOT_SCHEDULED
    told = PPBCPowerSequenceContainerStatus(
        power_profile_id="profile",
        sequence_container_id="wash",
        selected_sequence_id=None if waits else "eco",
        status=status,
    )
    return PPBCPowerProfileStatus(message_id=new_id(), sequence_container_status=(told,))


def rod(now: datetime) -> Iterable[Message]:
    """That earns something while it is on."""
    modes = (ombc_mode("off", 0.0), ombc_mode("on", 100.0, cost_per_s=-0.01))
    return ombc_messages(modes, OFF_AND_ON, active=("off", 0.0), now=now)


def pump(now: datetime) -> Iterable[Message]:
    modes = (ddbc_mode("off", (0.0, 0.0), power(0.0, 0.0)), ddbc_mode("on", (0.0, 8000.0), power(0.0, 2000.0)))
    actuator = ddbc_actuator("pump", modes, OFF_AND_ON)
    return ddbc_messages(actuator, active={"pump": ("off", 0.0)}, demand=(4000.0, 6000.0), now=now)


DEVICES = {
    ControlType.FILL_RATE_BASED_CONTROL: battery,
    ControlType.POWER_ENVELOPE_BASED_CONTROL: panels,
    ControlType.POWER_PROFILE_BASED_CONTROL: dishwasher,
    ControlType.OPERATION_MODE_BASED_CONTROL: rod,
    ControlType.DEMAND_DRIVEN_BASED_CONTROL: pump,
}
ANSWERS = {
    ControlType.FILL_RATE_BASED_CONTROL: LedgerStatus.REJECTED,
    ControlType.OPERATION_MODE_BASED_CONTROL: LedgerStatus.SUCCEEDED,
}


@pytest.fixture
def home(world: World) -> dict[ControlType, World]:
    """The world as each device of the home sees it."""
    seen: dict[ControlType, World] = {}
    for control_type, describe in DEVICES.items():
        link = _link(world, control_type) if seen else world.household.link
        one = replace(world, household=replace(world.household, link=link, rm_node=link.rm_node))
        one.connect()
        one.fold(*describe(world.clock.now()), **{CONTROL_TYPE_FIELD: control_type.value})
        seen[control_type] = one
    return seen


def _link(world: World, control_type: ControlType) -> Link:
    device = make_device(world.household.site, name=control_type.value)
    with tenant_scope(world.household.tenant.pk):
        return Link.objects.select_related("rm_node").get(rm_node__device=device)


def kinds(messages: Sequence[Message]) -> set[type[Message]]:
    found = [type(one) for one in messages]
    assert len(found) == len(set(found))
    return set(found)


def answer(one: World, status: LedgerStatus) -> None:
    """What the device says of what it was told last."""
    now, link_id = one.clock.now(), one.household.link.pk
    with platform_scope("test"):
        row = Instruction.objects.filter(link=link_id).latest("issued_at")
    batch = Batch()
    batch.ledger(LedgerRow(row.tenant_id, link_id, str(row.id), now, reception="OK", status=status.value))
    asyncio.run(one.gateway.write(batch))


def test_all_are_told_and_planned_and_who_refused_or_is_done_is_left_alone(
    world: World, home: dict[ControlType, World]
) -> None:
    world.run(services.react_to_site, *world.ids)
    assert kinds(world.inbox()) == ALL

    world.run(services.plan_site, *world.ids)
    with platform_scope("test"):
        plan = PlanRun.objects.get(plan__isnull=False).plan
    assert plan is not None
    assert set(plan["devices"]) == {str(one.household.link.pk) for one in home.values()}

    for control_type, one in home.items():
        answer(one, ANSWERS.get(control_type, LedgerStatus.ACCEPTED))
    on = OMBCStatus(message_id=new_id(), active_operation_mode_id="on", operation_mode_factor=0.0)
    home[ControlType.OPERATION_MODE_BASED_CONTROL].fold(on)
    home[ControlType.POWER_PROFILE_BASED_CONTROL].fold(programme(PPBCPowerSequenceStatus.SCHEDULED))

    world.clock.advance(180)
    world.run(services.react_to_site, *world.ids)
    assert kinds(world.inbox()) == {DDBCInstruction}  # It said yes, and does not show it.

    world.clock.advance(130)
    world.run(services.react_to_site, *world.ids)
    assert kinds(world.inbox()) == {FRBCInstruction, DDBCInstruction}
