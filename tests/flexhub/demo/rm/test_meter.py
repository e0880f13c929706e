"""The main meter's Resource Manager."""

import pytest

from s2.messages import ControlType, PowerMeasurement, ResourceManagerDetails
from s2.states import SessionState
from tests.support.demo_home import pair


def test_is_not_controllable_and_measures_all_the_same() -> None:
    home = pair("METER")
    home.select()

    home.wait(600)

    details = home.heard_of(ResourceManagerDetails)[-1]
    assert details.available_control_types == (ControlType.NOT_CONTROLABLE,)
    assert home.cem.state is SessionState.UNCONTROLLED
    assert len(home.heard_of(PowerMeasurement)) >= 10


def test_reports_at_once_when_the_power_of_the_home_changes() -> None:
    home = pair("METER")
    home.wait(10)
    reported = len(home.heard_of(PowerMeasurement))

    home.world.on.net_w += 400
    home.rm.tick(home.now)
    home.exchange()

    assert len(home.heard_of(PowerMeasurement)) == reported + 1


def test_measures_what_the_home_takes_from_the_grid() -> None:
    home = pair("METER")

    home.wait(5)

    measured = home.heard_of(PowerMeasurement)[-1].values[0].value
    assert measured == pytest.approx(home.world.on.net_w, abs=160)
