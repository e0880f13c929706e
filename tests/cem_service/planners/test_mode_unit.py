from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from cem_service.domain.decision import Decision, LastInstruction
from cem_service.domain.resource import Resource
from cem_service.domain.tariff import Tariff
from cem_service.planners.building import plan_site
from cem_service.planners.calm import REPEAT_AFTER
from cem_service.planners.mode_unit import LEAVE_ALONE_AFTER_OWN_CHANGE
from cem_service.planners.plan import SitePlan
from cem_service.planners.reactive import react
from s2.messages import (
    Commodity,
    CommodityQuantity,
    DDBCInstruction,
    OMBCInstruction,
    ResourceManagerDetails,
    Role,
    RoleType,
)
from tests.support.mode_resources import MINUTE, generator, hybrid, ombc_messages, ombc_mode, read_ombc, resistor, way
from tests.support.resources import NOON, new_id
from tests.support.sites import site_with

DEAR, CHEAP, PAID = Tariff.flat(0.80, 0.75), Tariff.flat(0.20, 0.05), Tariff.flat(-0.10, -0.10)


def decide(
    resource: Resource,
    tariff: Tariff,
    *,
    meter_w: float = 0.0,
    plan: SitePlan | None = None,
    last: Decision | None = None,
    ago: timedelta = timedelta(minutes=5),
    fuse_limit_w: float = 17_000.0,
) -> Decision | None:
    site = site_with(resource, meter_w=meter_w, tariff=tariff, fuse_limit_w=fuse_limit_w)
    before = {last.link_id: LastInstruction.of(last, NOON - ago)} if last else {}
    decisions = react(site, plan, before, new_id=new_id)
    assert len(decisions) <= 1
    return decisions[0] if decisions else None


def told(decision: Decision | None) -> tuple[str, str, float] | None:
    """(actuator, mode, factor)"""
    if decision is None:
        return None
    message = decision.message
    assert isinstance(message, OMBCInstruction | DDBCInstruction)
    assert not message.abnormal_condition
    actuator_id = message.actuator_id if isinstance(message, DDBCInstruction) else ""
    return actuator_id, message.operation_mode_id, pytest.approx(message.operation_mode_factor)  # type: ignore[return-value]


def test_a_generator_runs_while_power_is_dear_and_is_told_nothing_where_it_stays() -> None:
    assert told(decide(generator(), DEAR)) == ("", "on", 0.0)
    assert decide(generator(), CHEAP) is None
    assert decide(generator(("on", 0.0)), DEAR, meter_w=-4000.0) is None


def test_it_acts_on_the_plan_as_it_does_without_one() -> None:
    plan = plan_site(site_with(generator(), tariff=DEAR))

    copy = SitePlan.from_dict(plan.as_dict())

    assert copy.devices[generator().link_id].mode_values is not None
    assert told(decide(generator(), DEAR, plan=copy)) == ("", "on", 0.0)


def test_a_rod_takes_what_is_paid_for_and_no_more_than_the_fuse_bears() -> None:
    assert told(decide(resistor(), PAID)) == ("", "on", 1.0)
    limited = decide(resistor(), PAID, meter_w=7000.0, fuse_limit_w=10_000.0)
    assert limited is not None
    assert limited.expected_power_w == pytest.approx(1000.0)
    assert decide(resistor(), CHEAP) is None


def test_a_small_change_of_a_large_device_is_told_where_it_keeps_the_fuse() -> None:
    messages = ombc_messages((ombc_mode("on", 0.0, 100_000.0),), active=("on", 0.5))
    park = read_ombc("Charging park", messages)

    limited = decide(park, PAID, meter_w=55_000.0, fuse_limit_w=60_000.0)

    assert limited is not None
    assert limited.expected_power_w == pytest.approx(49_000.0)
    assert decide(park, PAID, meter_w=55_000.0, fuse_limit_w=60_000.0, last=limited, ago=MINUTE) is None
    louder = decide(park, PAID, meter_w=56_000.0, fuse_limit_w=60_000.0, last=limited, ago=MINUTE)
    assert louder is not None
    assert louder.expected_power_w == pytest.approx(48_000.0)


def test_timers_and_transitions_under_way_are_waited_for() -> None:
    resting = generator(timers_end={"rest": NOON + MINUTE})
    starting = generator(("on", 0.0), came_from=("off", NOON - MINUTE), timers_end={"run": NOON - MINUTE})

    assert decide(resting, DEAR) is None
    assert decide(starting, CHEAP) is None


def test_an_instruction_counts_from_when_the_device_can_have_taken_it_in() -> None:
    details = ResourceManagerDetails(
        message_id=new_id(),
        resource_id="generator",
        roles=(Role(role=RoleType.ENERGY_PRODUCER, commodity=Commodity.ELECTRICITY),),
        instruction_processing_delay=90_000,
        available_control_types=("OPERATION_MODE_BASED_CONTROL",),  # type: ignore[arg-type]  # As on the wire.
        provides_forecast=False,
        provides_power_measurement_types=(CommodityQuantity.ELECTRIC_POWER_L1,),
    )
    resting = generator(timers_end={"rest": NOON + MINUTE}, extra=[details])

    decision = decide(resting, DEAR)

    assert decision is not None
    assert decision.message.execution_time == NOON + timedelta(seconds=90)


def test_goes_one_hop_at_a_time() -> None:
    messages = ombc_messages(
        (ombc_mode("off", 0.0), ombc_mode("standby", 20.0), ombc_mode("on", 2000.0)),
        (way("off", "standby"), way("standby", "on"), way("on", "off")),
        active=("off", 0.0),
    )

    decision = decide(read_ombc("device", messages), PAID)

    assert told(decision) == ("", "standby", 0.0)
    assert decision is not None
    assert decision.expected_power_w == 20.0


def test_is_not_told_the_same_again_before_long() -> None:
    first = decide(generator(), DEAR)

    assert decide(generator(), DEAR, last=first, ago=MINUTE) is None
    assert told(decide(generator(), DEAR, last=first, ago=REPEAT_AFTER)) == ("", "on", 0.0)


def test_a_device_that_changed_by_itself_is_left_alone_but_for_a_limit() -> None:
    first = decide(resistor(("on", 1.0)), CHEAP, meter_w=3000.0)
    assert told(first) == ("", "off", 0.0)
    messages = ombc_messages(
        (ombc_mode("off", 0.0), ombc_mode("on", 500.0, 3000.0)),
        (way("off", "on"), way("on", "off")),
        active=("on", 1.0),
        came_from=("off", NOON - MINUTE),
    )
    back_on = read_ombc("Heating rod", messages)

    assert decide(back_on, CHEAP, meter_w=3000.0, last=first) is None
    assert told(decide(back_on, CHEAP, meter_w=12_000.0, last=first, fuse_limit_w=10_000.0)) is not None
    assert timedelta(minutes=5) < LEAVE_ALONE_AFTER_OWN_CHANGE


def test_the_actuator_that_is_cheaper_now_meets_the_demand() -> None:
    assert told(decide(hybrid(), CHEAP)) == ("pump", "on", (4500 - 2000) / 6000)
    assert told(decide(hybrid(), DEAR)) == ("boiler", "on", (4500 - 3000) / 17_000)


def test_what_is_to_supply_more_is_told_first_and_the_other_when_it_does() -> None:
    burning = hybrid(("off", 0.0), ("on", 0.09), demand_w=6000.0)
    first = decide(burning, CHEAP)
    assert told(first) == ("pump", "on", (4500 - 2000) / 6000)
    both = hybrid(("on", 2500 / 6000), ("on", 0.09), demand_w=6000.0)

    assert decide(burning, CHEAP, last=first, ago=timedelta(seconds=5)) is None
    assert told(decide(both, CHEAP, meter_w=4500 / 3.5, last=first, ago=MINUTE)) == ("boiler", "off", 0.0)


def test_a_mode_for_abnormal_conditions_is_never_told() -> None:
    messages = ombc_messages(
        (ombc_mode("off", 0.0), ombc_mode("emergency", 1000.0, 9000.0, abnormal=True)),
        (way("off", "emergency"), way("emergency", "off")),
        active=("off", 0.0),
    )
    resource = read_ombc("device", messages)
    assert resource.machine is not None
    there = replace(resource, machine=replace(resource.machine, active_mode_id="emergency"))

    assert decide(resource, PAID) is None
    assert decide(there, PAID) is None
