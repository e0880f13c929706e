from __future__ import annotations

import pytest

from cem_service.domain.selection import choose_control_type
from s2.messages import Commodity, ControlType, ResourceManagerDetails, Role, RoleType
from tests.support.resources import L1, new_id

PEBC = ControlType.POWER_ENVELOPE_BASED_CONTROL
PPBC = ControlType.POWER_PROFILE_BASED_CONTROL
OMBC = ControlType.OPERATION_MODE_BASED_CONTROL
DDBC = ControlType.DEMAND_DRIVEN_BASED_CONTROL
FRBC = ControlType.FILL_RATE_BASED_CONTROL
NONE = ControlType.NOT_CONTROLABLE


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        ((PEBC, PPBC, FRBC), FRBC),
        ((PEBC, PPBC), PPBC),
        ((PEBC, OMBC, DDBC, PPBC), PPBC),
        ((PEBC, OMBC, DDBC), DDBC),
        ((PEBC, OMBC), OMBC),
        ((OMBC, NONE), OMBC),
        ((NONE,), NONE),
    ],
)
def test_takes_the_type_with_most_freedom(offered: tuple[ControlType, ...], chosen: ControlType) -> None:
    details = ResourceManagerDetails(
        message_id=new_id(),
        resource_id="resource",
        roles=(Role(role=RoleType.ENERGY_CONSUMER, commodity=Commodity.ELECTRICITY),),
        instruction_processing_delay=0,
        available_control_types=offered,
        provides_forecast=False,
        provides_power_measurement_types=(L1,),
    )

    assert choose_control_type(details) is chosen
