from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest

from cem_service.domain.ppbc import PPBCResource
from cem_service.planners.horizon import Horizon
from cem_service.planners.plan import DevicePlan, Placement
from flexhub.flexibility.pooling.profiles import profile_room
from s2.messages import PPBCPowerSequenceContainer, PPBCPowerSequenceContainerStatus, PPBCPowerSequenceStatus
from tests.support.resources import NOON, dishwasher, link_id, sequence

HORIZON = Horizon.at(NOON)
TWO = timedelta(hours=2)


def _placed(resource: PPBCResource, start: datetime) -> DevicePlan:
    placements = []
    for container in resource.profiles[0].containers:
        one = container.sequences[0]
        end = start + timedelta(seconds=one.duration_s)
        placements.append(Placement("profile", container.container_id, one.sequence_id, start, end, 0.0, 0.0))
        start = end
    return DevicePlan(link_id("Dishwasher"), np.zeros(96), placements=tuple(placements))


def _wash(window: timedelta) -> PPBCResource:
    """An hour: 2 kW for half of it, then 400 W."""
    container = PPBCPowerSequenceContainer(id="wash", power_sequences=(sequence("eco", (30, 2000.0), (30, 400.0)),))
    return dishwasher(container, window=window)


def test_a_wash_can_leave_its_quarters_and_run_in_others() -> None:
    resource = _wash(timedelta(hours=4))

    up, down = profile_room(resource, _placed(resource, NOON + TWO), HORIZON)

    # It may start from now on and must be done after four hours: starts from quarter 0 to quarter 12.
    assert list(up[:8]) == [2000.0] * 8
    assert list(up[8:12]) == [0.0, 0.0, 1600.0, 1600.0]
    assert list(up[12:18]) == [2000.0, 2000.0, 400.0, 400.0, 0.0, 0.0]
    assert list(down[6:14]) == [0.0, 0.0, 2000.0, 2000.0, 400.0, 400.0, 0.0, 0.0]


def test_a_wash_that_fills_its_window_cannot_move() -> None:
    resource = _wash(timedelta(hours=1))

    up, down = profile_room(resource, _placed(resource, NOON), HORIZON)

    assert not up.any()
    assert not down.any()


def test_what_is_left_of_the_first_quarter_bears_all_that_falls_into_it() -> None:
    """Moved to 12:10, five minutes of 2 kW lie in the five minutes that are left."""
    horizon = Horizon.at(NOON + timedelta(minutes=8))
    resource = _wash(timedelta(hours=4))

    up, _ = profile_room(resource, _placed(resource, NOON + timedelta(minutes=70)), horizon)

    assert up[0] == pytest.approx(2000.0 * 5 / 7)


def test_parts_move_together() -> None:
    containers = (
        PPBCPowerSequenceContainer(id="wash", power_sequences=(sequence("wash", (15, 2000.0)),)),
        PPBCPowerSequenceContainer(id="dry", power_sequences=(sequence("dry", (15, 1000.0), max_pause_ms=0),)),
    )
    resource = dishwasher(*containers, window=timedelta(hours=1))

    up, down = profile_room(resource, _placed(resource, NOON), HORIZON)

    assert list(up[:5]) == [0.0, 1000.0, 2000.0, 1000.0, 0.0]
    assert list(down[:3]) == [2000.0, 1000.0, 0.0]


@pytest.mark.parametrize("status", [PPBCPowerSequenceStatus.EXECUTING, PPBCPowerSequenceStatus.FINISHED])
def test_what_has_started_stays(status: PPBCPowerSequenceStatus) -> None:
    planned = _placed(_wash(timedelta(hours=4)), NOON)
    container = PPBCPowerSequenceContainer(id="wash", power_sequences=(sequence("eco", (60, 2000.0)),))
    resource = dishwasher(
        container,
        statuses=[
            PPBCPowerSequenceContainerStatus(
                power_profile_id="profile", sequence_container_id="wash", selected_sequence_id="eco", status=status
            )
        ],
    )

    up, down = profile_room(resource, planned, HORIZON)

    assert not up.any()
    assert not down.any()


def test_nothing_is_offered_without_a_placement() -> None:
    resource = _wash(timedelta(hours=4))

    for plan in (None, replace(_placed(resource, NOON), placements=())):
        assert not np.any(profile_room(resource, plan, HORIZON))
