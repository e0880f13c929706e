from __future__ import annotations

from dataclasses import replace

from cem_service import services
from cem_service.models import PlanRunKind
from tests.support.cem_world import World, plan_runs
from tests.support.registry import make_device


def test_two_devices_of_one_name_were_both_seen(world: World) -> None:
    """A site may well have two batteries that nobody has given names of their own."""
    device = make_device(world.household.site, name=world.household.device.name)
    household = replace(world.household, device=device, rm_node=device.node, link=device.node.rm_link)
    for number, one in enumerate((world, replace(world, household=household)), start=1):
        one.connect()
        one.describe(mode="charge", power_w=number * 1000.0)

    world.run(services.plan_site, *world.ids)

    (run,) = plan_runs(PlanRunKind.PLAN)
    assert set(run.inputs["power_w"]) == {"Alder battery", "Alder battery (2)"}
    assert sorted(run.inputs["power_w"].values()) == [1000.0, 2000.0]
