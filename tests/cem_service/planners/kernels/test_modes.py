from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cem_service.planners.kernels.modes import Demand, Floats, Hinges, Lines, best_factors

numbers = st.floats(-10, 10).map(lambda number: round(number, 3))
GRID = np.linspace(0.0, 1.0, 41)


def cost_at(row: tuple[float, ...], factors: tuple[float, ...], lines: Floats, demand: Demand) -> float:
    """EUR per second, written down once more."""
    slope, at_w, weight = row[0], row[1:3], row[3:5]
    power, supply, own = (
        sum(line[2 * i] + f * line[2 * i + 1] for line, f in zip(lines, factors, strict=True)) for i in range(3)
    )
    energy = slope * power + sum(w * max(power - at, 0.0) for at, w in zip(at_w, weight, strict=True))
    missing, excess = max(demand.least[0] - supply, 0.0), max(supply - demand.most[0], 0.0)
    return float(energy / 3.6e6 + own + demand.missing_eur * missing + demand.excess_eur * excess)


@settings(max_examples=40, deadline=None)
@given(
    row=st.tuples(*[numbers] * 5),
    lines=st.lists(st.tuples(*[numbers] * 6), min_size=1, max_size=2),
    demand=st.tuples(numbers, st.floats(0, 5), st.floats(0, 2e-6), st.floats(0, 2e-6)),
)
def test_no_factors_on_a_grid_are_better(
    row: tuple[float, ...], lines: list[tuple[float, ...]], demand: tuple[float, float, float, float]
) -> None:
    """Also where a kilowatt-hour more may cost less, so that the cost is not convex."""
    table = np.array(lines)
    table[:, 4:] *= 1e-6
    wanted = Demand(np.array([demand[0]]), np.array([demand[0] + demand[1]]), demand[2], demand[3])
    hinges = Hinges(np.array(row[:1]), np.array([row[1:3]]), np.array([row[3:5]]))
    together = Lines(table, np.arange(len(lines), dtype=np.int64)[None, :])

    eur, factors = best_factors(hinges, np.ones(1), together, wanted)

    tried = [cost_at(row, each, table, wanted) for each in itertools.product(GRID, repeat=len(lines))]
    assert eur[0, 0] <= min(tried) + 1e-12
    assert eur[0, 0] == pytest.approx(cost_at(row, tuple(factors[0, 0]), table, wanted), abs=1e-12)
    assert ((factors >= 0) & (factors <= 1)).all()


def test_many_free_factors_are_chosen_in_turn() -> None:
    """Six machines of 1 kW each, the surplus is 3.5 kW, and each kWh drawn beyond it costs."""
    table = np.tile([0.0, 1000.0, 0.0, 0.0, 0.0, 0.0], (6, 1))
    hinges = Hinges(np.array([-0.1]), np.array([[3500.0]]), np.array([[0.4]]))

    eur, factors = best_factors(hinges, np.array([3600.0]), Lines(table, np.arange(6)[None, :]), Demand.none(1))

    assert factors.sum() == pytest.approx(3.5)
    assert eur[0, 0] == pytest.approx(-0.35)


def test_a_factor_without_effect_is_0() -> None:
    table = np.array([[500.0, 0.0, 1.0, 0.0, 0.0, 0.0]])
    hinges = Hinges(np.array([-1.0]), np.zeros((1, 1)), np.zeros((1, 1)))

    _, factors = best_factors(hinges, np.ones(1), Lines(table, np.zeros((1, 1), np.int64)), Demand.none(1))

    assert factors[0, 0, 0] == 0.0
