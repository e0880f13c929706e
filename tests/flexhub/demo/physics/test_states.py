"""State of a device that survives a restart."""

import json

from flexhub.demo.physics.ev import EV
from flexhub.demo.physics.states import read_state, restore_state


def car() -> EV:
    return EV(capacity_wh=50_000, max_w=7360, min_w=1380, departure_min=960, away_min=120, trip_wh=10_000)


def test_state_goes_through_json_and_back() -> None:
    old, new = car(), car()
    old.soc, old.plugged, old.departures = 0.33, False, 4

    restore_state(new, json.loads(json.dumps(read_state(old))))

    assert (new.soc, new.plugged, new.departures) == (0.33, False, 4)


def test_settings_are_not_state() -> None:
    assert "capacity_wh" not in read_state(car())
    assert "controlled" not in read_state(car())


def test_what_is_missing_keeps_its_value() -> None:
    device = car()

    restore_state(device, {"soc": 0.9})

    assert (device.soc, device.plugged) == (0.9, True)
