from __future__ import annotations

import numpy as np
import pytest

from cem_service.planners.kernels.store_values import value_levels, value_rows


def test_adds_up_slopes_and_charges_for_what_is_beyond() -> None:
    at = np.array([[1.0, 3.0, 4.0], [0.0, 5.0, np.nan]])
    slopes = np.array([[-2.0, 1.0], [-0.5, np.nan]])

    rows = value_rows(at, slopes, np.array([2, 1]), np.array([0.0, 1.0, 2.0, 3.5, 5.0]), 10.0)

    assert rows[0] == pytest.approx([10.0, 0.0, -2.0, -3.5, 7.0])
    assert rows[1] == pytest.approx([0.0, -0.5, -1.0, -1.75, -2.5])


def test_a_value_function_of_one_point_costs_what_a_level_is_away_from_it() -> None:
    rows = value_rows(np.array([[2.0]]), np.empty((1, 0)), np.array([0]), np.array([1.0, 2.0, 4.0]), 3.0)

    assert rows[0] == pytest.approx([3.0, 0.0, 6.0])


def test_looks_at_both_ends_and_once_at_breakpoints_that_are_near_to_each_other() -> None:
    at = np.array([[-3.0, 1.001, 12.0], [0.999, 7.0, np.nan]])

    levels = value_levels(at, np.array([2, 1]), (0.0, 10.0), 100)

    assert levels == pytest.approx([0.0, 1.0, 7.0, 10.0])
