from __future__ import annotations

from math import inf

import pytest

from cem_service.planners.phase_room import PhaseRoom

ONE, THREE = (1.0, 0.0, 0.0), (1 / 3, 1 / 3, 1 / 3)
ROOM = PhaseRoom((500.0, -500.0, 0.0), [ONE, THREE], draws_w=4000.0, feeds_w=3000.0)


def test_each_unit_loads_its_own_phases() -> None:
    assert ROOM.loads_w([1000.0, 3000.0]) == pytest.approx((2500.0, 500.0, 1000.0))


def test_what_is_too_much_counts_on_each_phase_and_either_way() -> None:
    assert ROOM.overrun_w([1000.0, 3000.0]) == 0.0
    assert ROOM.overrun_w([4000.0, 0.0]) == 500.0
    assert ROOM.overrun_w([0.0, 15_000.0]) == pytest.approx(1500.0 + 500.0 + 1000.0)
    assert ROOM.overrun_w([-4000.0, 0.0]) == 500.0


def test_one_unit_may_take_what_the_others_leave_on_its_phases() -> None:
    assert ROOM.left_to(0, [9999.0, 3000.0]) == pytest.approx((-4500.0, 2500.0))
    assert ROOM.left_to(1, [1000.0, 0.0]) == pytest.approx((-7500.0, 7500.0))
    assert PhaseRoom((0.0, 0.0, 0.0), [(0.0, 0.0, 0.0)], 1.0, 1.0).left_to(0, [5.0]) == (-inf, inf)


def test_the_fullest_phase_is_the_one_that_is_nearest_to_its_fuse_either_way() -> None:
    assert ROOM.fullest([1000.0, 0.0]) == (0, 1500.0)
    assert ROOM.fullest([-4000.0, 0.0]) == (0, -3500.0)
    assert ROOM.fullest([-600.0, 0.0])[0] == 1
