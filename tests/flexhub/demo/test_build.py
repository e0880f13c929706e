"""From a configuration to physics."""

import pytest

from flexhub.demo.build import households
from tests.support.demo_home import BATTERY_DEVICE, MORNING, home_config


def test_a_home_has_what_its_configuration_names() -> None:
    home = households(home_config({"METER": {}, "BATTERY": BATTERY_DEVICE}), MORNING.timestamp())

    assert set(home.on.devices()) == {"BATTERY"}
    assert home.metered is not None
    assert len({id(each.battery) for each in (home.on, home.off, home.metered)}) == 3
    assert [each.battery_has_meter for each in (home.on, home.off, home.metered)] == [False, False, True]


def test_an_unknown_parameter_is_an_error() -> None:
    with pytest.raises(TypeError, match="wheels"):
        households(home_config({"BATTERY": BATTERY_DEVICE | {"wheels": 4}}), MORNING.timestamp())


def test_only_the_home_under_control_waits_for_control() -> None:
    home = households(home_config(), MORNING.timestamp())

    assert home.on.dishwasher is not None
    assert home.off.dishwasher is not None
    assert home.on.dishwasher.starts_s == [None]
    assert home.off.dishwasher.starts_s == [MORNING.timestamp()]
