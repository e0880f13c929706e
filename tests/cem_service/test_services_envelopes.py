"""The services with a device under PEBC that may put energy off: from its constraints to limits on their way."""

from __future__ import annotations

from datetime import timedelta

from cem_service import services
from cem_service.domain import pace
from cem_service.models import PlanRunKind
from cem_service.objectives import create_tariff, set_objectives
from flexhub.bus.snapshot import CONTROL_TYPE_FIELD
from s2.messages import ControlType, PEBCEnergyConstraint, PEBCInstruction, PEBCPowerConstraints
from tests.support.cem_world import World, plan_runs
from tests.support.resources import L1, allowed, measurement, new_id
from tests.support.scenarios.envelopes import DEFER, LOWER, UPPER

HOUR = timedelta(hours=1)


def offer(world: World) -> None:
    """A car that charges with up to 11 kW, and may wait."""
    now = world.clock.now()
    world.connect()
    constraints = PEBCPowerConstraints(
        message_id=new_id(),
        id="constraints",
        valid_from=now,
        consequence_type=DEFER,
        allowed_limit_ranges=(allowed(LOWER, 0.0, 0.0), allowed(UPPER, 0.0, 11_000.0)),
    )
    want(world, power_w=1500.0)
    control_type = ControlType.POWER_ENVELOPE_BASED_CONTROL.value
    world.fold(constraints, measurement(3000.0, now), **{CONTROL_TYPE_FIELD: control_type})


def want(world: World, *, power_w: float) -> None:
    """The mean power that it takes over the coming twelve hours."""
    now = world.clock.now()
    energy = PEBCEnergyConstraint(
        message_id=new_id(),
        id="energy",
        valid_from=now,
        valid_until=now + 12 * HOUR,
        upper_average_power=power_w,
        lower_average_power=power_w,
        commodity_quantity=L1,
    )
    world.fold(energy)


def test_a_car_that_may_wait_is_told_to_while_it_is_dear(world: World) -> None:
    hour = world.clock.now().hour
    dear = [0.5 if hour <= each < hour + 3 else 0.1 for each in range(24)]
    tariff = create_tariff(
        tenant=world.household.tenant, name="dear now", import_eur_per_kwh=dear, export_eur_per_kwh=[0.05] * 24
    )
    set_objectives(site=world.household.site, tariff=tariff)
    offer(world)

    world.run(services.plan_site, *world.ids)
    world.run(services.react_to_site, *world.ids)

    (message,) = world.inbox()
    assert isinstance(message, PEBCInstruction)
    (told,) = message.power_envelopes
    assert [one.upper_limit for one in told.power_envelope_elements] == [0.0]
    assert sum(one.duration for one in told.power_envelope_elements) == 3_600_000


def test_another_energy_constraint_makes_a_plan_due(world: World) -> None:
    offer(world)
    world.run(services.plan_site, *world.ids)
    want(world, power_w=2000.0)
    world.clock.advance(pace.SHORTEST_TIME_BETWEEN_PLANS / timedelta(seconds=1))

    world.run(services.plan_site, *world.ids)

    assert len(plan_runs(PlanRunKind.PLAN)) == 2
