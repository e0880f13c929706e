from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from cem_service.domain.frbc import FRBCResource
from cem_service.planners.frbc import plan_actuator
from tests.support.scenarios.stores import StoreScenario, car, heat_pump


def modes_and_power(scenario: StoreScenario) -> tuple[FRBCResource, list[str], np.ndarray]:
    resource, around = scenario.resource, scenario.around
    plan = plan_actuator(
        resource, resource.actuators[0], other_rates=np.zeros(96), cost=around.cost, horizon=around.horizon
    )
    return resource, [each[0] for each in plan.modes], plan.power_w


@pytest.mark.parametrize("seed", range(3))
def test_no_timer_is_broken(seed: int) -> None:
    _, modes, _ = modes_and_power(heat_pump(seed))
    changes = [0, *(step for step in range(1, 96) if modes[step] != modes[step - 1]), 96]

    runs = [(modes[start], end - start) for start, end in pairwise(changes)]

    assert len(runs) > 2
    assert all(length >= (4 if name == "on" else 2) for name, length in runs[1:-1])


@pytest.mark.parametrize("seed", range(3))
def test_power_is_what_the_mode_offers(seed: int) -> None:
    resource, modes, power_w = modes_and_power(car(seed))
    charge = resource.actuators[0].modes["charge"].elements[0]

    charging = np.array([name == "charge" for name in modes])

    assert (power_w[~charging] == 0.0).all()
    assert power_w[charging].min() >= charge.power_at_0_w - 1e-6
    assert power_w[charging].max() <= charge.power_at_1_w + 1e-6
