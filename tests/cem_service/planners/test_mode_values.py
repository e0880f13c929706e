from __future__ import annotations

import numpy as np
import pytest

from cem_service.planners.mode_values import ModeValues, Situation, ValuedState
from tests.support.mode_resources import MINUTE
from tests.support.resources import NOON

VALUES = ModeValues(
    start=NOON,
    step_s=900.0,
    states=(
        (ValuedState("off", {"run": 0}, 0.0),),
        (ValuedState("on", {"run": 0}, 0.0),),
        (ValuedState("on", {"run": 3}, 0.0),),
        (ValuedState("on", {"run": 3}, 600.0),),
    ),
    cost_eur=np.array([[0.0, 1.0, 2.0, 3.0], [10.0, 11.0, 12.0, 13.0]]),
)


@pytest.mark.parametrize(
    ("situation", "cost_eur"),
    [
        (Situation("off"), 0.0),
        (Situation("on"), 1.0),
        (Situation("on", {"run": 1900.0}), 2.0),
        (Situation("on", {"run": 600.0}), 1.0),
        (Situation("on", {"run": 2700.0}, 600.0), 3.0),
        (Situation("off", {"unknown": 900.0}), 0.0),
    ],
)
def test_finds_the_state_that_is_most_alike(situation: Situation, cost_eur: float) -> None:
    assert VALUES.cost_at(NOON, [situation]) == cost_eur


def test_is_read_between_edges_and_held_beyond_them() -> None:
    assert VALUES.cost_at(NOON + 3 * MINUTE, [Situation("off")]) == pytest.approx(2.0)
    assert VALUES.cost_at(NOON - MINUTE, [Situation("off")]) == 0.0
    assert VALUES.cost_at(NOON + 60 * MINUTE, [Situation("off")]) == 10.0
    assert VALUES.ends == NOON + 15 * MINUTE


def test_a_mode_that_nobody_valued_is_as_dear_as_the_dearest() -> None:
    assert VALUES.cost_at(NOON, [Situation("unknown")]) == 3.0


def test_travels_as_json() -> None:
    assert ModeValues.from_dict(VALUES.as_dict()).cost_at(NOON, [Situation("on", {"run": 2700.0})]) == 2.0
