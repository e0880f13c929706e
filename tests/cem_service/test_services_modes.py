"""The services with devices under OMBC and DDBC: from what they describe to an instruction on its way, and a plan."""

from __future__ import annotations

from dataclasses import replace

from cem_service import services
from cem_service.models import Instruction, PlanRun
from flexhub.bus.snapshot import CONTROL_TYPE_FIELD
from s2.messages import ControlType, DDBCInstruction, Message, OMBCInstruction, OMBCSystemDescription
from tenants.scope import platform_scope
from tests.support.cem_world import World
from tests.support.mode_resources import ddbc_actuator, ddbc_messages, ddbc_mode, ombc_messages, ombc_mode, power, way

WAYS = (way("off", "on"), way("on", "off"))


def described(world: World, control_type: ControlType, messages: list[Message]) -> None:
    world.connect()
    world.fold(*messages, **{CONTROL_TYPE_FIELD: control_type.value})


def test_a_device_under_ombc_is_told_its_mode_and_planned_for(world: World) -> None:
    rewarded = ombc_mode("on", 100.0, cost_per_s=-0.01)
    messages = ombc_messages((ombc_mode("off", 0.0), rewarded), WAYS, active=("off", 0.0), now=world.clock.now())
    described(world, ControlType.OPERATION_MODE_BASED_CONTROL, messages)

    world.run(services.react_to_site, *world.ids)
    world.run(services.plan_site, *world.ids)

    (message,) = world.inbox()
    assert isinstance(message, OMBCInstruction)
    assert message.operation_mode_id == "on"
    with platform_scope("test"):
        row, run = Instruction.objects.get(), PlanRun.objects.get(plan__isnull=False)
    assert (row.message_type, row.expected_power_w) == ("OMBC.Instruction", 100.0)
    assert run.plan is not None
    assert isinstance(messages[0], OMBCSystemDescription)
    assert run.plan["devices"][str(world.household.link.pk)]["power_w"] == [100] * 96
    assert messages[0].message_id in run.inputs["planned_from"]


def test_a_device_under_ddbc_is_told_how_to_meet_its_demand(world: World) -> None:
    pump = ddbc_actuator(
        "pump",
        (ddbc_mode("off", (0.0, 0.0), power(0.0, 0.0)), ddbc_mode("on", (0.0, 8000.0), power(0.0, 2000.0))),
        WAYS,
    )
    messages = ddbc_messages(pump, active={"pump": ("off", 0.0)}, demand=(4000.0, 6000.0), now=world.clock.now())
    described(world, ControlType.DEMAND_DRIVEN_BASED_CONTROL, messages)

    world.run(services.react_to_site, *world.ids)

    (message,) = world.inbox()
    assert isinstance(message, DDBCInstruction)
    assert (message.actuator_id, message.operation_mode_id, message.operation_mode_factor) == ("pump", "on", 0.5)


def test_an_instruction_about_an_older_description_does_not_count(world: World) -> None:
    modes = (ombc_mode("off", 0.0), ombc_mode("on", 100.0, cost_per_s=-0.01))
    messages = ombc_messages(modes, WAYS, active=("off", 0.0), now=world.clock.now())
    described(world, ControlType.OPERATION_MODE_BASED_CONTROL, messages)
    world.run(services.react_to_site, *world.ids)
    world.clock.advance(10)
    world.run(services.react_to_site, *world.ids)
    assert len(world.inbox()) == 1

    description, *rest = messages
    assert isinstance(description, OMBCSystemDescription)
    world.fold(replace(description, valid_from=world.clock.now()), *rest)
    world.run(services.react_to_site, *world.ids)

    with platform_scope("test"):
        assert Instruction.objects.count() == 2
