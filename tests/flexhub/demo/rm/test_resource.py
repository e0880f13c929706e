"""What all Resource Managers share."""

from itertools import count
from uuid import UUID

from flexhub.demo.rm.resource import Identity
from s2.messages import CommodityQuantity, ResourceManagerDetails
from tests.support.demo_home import NODE_ID, pair


def identity(node_id: UUID) -> Identity:
    numbers = count()
    return Identity(node_id, "Thing", CommodityQuantity.ELECTRIC_POWER_L1, lambda: f"m-{next(numbers)}")


def test_ids_of_parts_survive_a_restart_and_differ_between_devices() -> None:
    assert identity(NODE_ID).part("mode/idle") == identity(NODE_ID).part("mode/idle")
    assert identity(NODE_ID).part("mode/idle") != identity(NODE_ID).part("mode/charge")
    assert identity(NODE_ID).part("mode/idle") != identity(UUID(int=1)).part("mode/idle")


def test_a_three_phase_device_measures_the_total_of_its_phases() -> None:
    one, three = pair("METER"), pair("METER", three_phase=True)

    quantities = [home.heard_of(ResourceManagerDetails)[-1].provides_power_measurement_types for home in (one, three)]

    assert quantities == [
        (CommodityQuantity.ELECTRIC_POWER_L1,),
        (CommodityQuantity.ELECTRIC_POWER_3_PHASE_SYMMETRIC,),
    ]
