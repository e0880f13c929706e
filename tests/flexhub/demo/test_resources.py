"""From a configuration to Resource Managers."""

import pytest

from flexhub.clock import Clock
from flexhub.demo.build import households
from flexhub.demo.resources import resources
from s2.messages import ControlType
from tests.support.demo_home import MORNING, home_config


def test_each_device_offers_the_control_type_of_its_kind() -> None:
    config = home_config()

    made = resources(config, households(config, MORNING.timestamp()), Clock.system())

    assert [each.control_type for each in made] == [
        ControlType.NOT_CONTROLABLE,
        ControlType.POWER_ENVELOPE_BASED_CONTROL,
        ControlType.FILL_RATE_BASED_CONTROL,
        ControlType.FILL_RATE_BASED_CONTROL,
        ControlType.FILL_RATE_BASED_CONTROL,
        ControlType.POWER_PROFILE_BASED_CONTROL,
    ]
    assert [each.identity.node_id for each in made] == [device.node_id for device in config.devices]


def test_the_meter_measures_the_home_and_each_device_itself() -> None:
    config = home_config()
    world = households(config, MORNING.timestamp())

    meter, *others = resources(config, world, Clock.system())

    assert meter.power_w() == world.on.net_w
    assert sum(each.power_w() for each in others) + world.cell.load_w == pytest.approx(world.on.net_w)
