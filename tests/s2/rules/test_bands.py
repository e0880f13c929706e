"""Which element of a mode holds at a level."""

from typing import cast

import pytest

from s2.messages import FRBCOperationMode, FRBCSystemDescription, NumberRange
from s2.rules.bands import covers, element_at, fill_rate, meets, seams
from tests.support.s2_rule_cases.frbc import bands
from tests.support.s2_sessions import message


def mode(*edges: tuple[float, float]) -> FRBCOperationMode:
    _, message_type, changes = bands(*edges)
    description = cast(FRBCSystemDescription, message(message_type, **changes))
    return description.actuators[0].operation_modes[0]


@pytest.mark.parametrize(
    ("level", "start"), [(0, 0), (49.9, 0), (50, 50), (50 + 1e-8, 50), (100, 50), (100 + 1e-8, 50), (-1e-10, 0)]
)
def test_a_level_on_the_boundary_belongs_to_the_upper_band(level: float, start: float) -> None:
    for edges in (((0, 50), (50, 100)), ((50, 100), (0, 50))):
        element = element_at(mode(*edges), level)

        assert element is not None
        assert element.fill_level_range.start_of_range == start


@pytest.mark.parametrize("level", [-0.1, 100.1, 1e308, -1e308])
def test_a_level_beyond_all_bands_belongs_to_none(level: float) -> None:
    assert element_at(mode((0, 50), (50, 100)), level) is None


def test_seams_are_found_in_any_order() -> None:
    ranges = [NumberRange(start_of_range=start, end_of_range=end) for start, end in ((5, 9), (0, 3), (3, 4))]

    assert list(seams(ranges)) == [(3, 3), (4, 5)]


def test_rounding_is_forgiven_relative_to_the_numbers() -> None:
    assert meets(1e6, 1e6 + 1e-4)
    assert not meets(1e6, 1e6 + 1e-2)
    assert meets(0, 1e-10)
    assert covers(NumberRange(start_of_range=-1e308, end_of_range=1e308), 0)


def test_the_rate_is_linear_in_the_factor() -> None:
    element = mode((0, 100)).elements[0]

    assert [fill_rate(element, factor) for factor in (0, 0.5, 1)] == [0, 0.00625, 0.0125]
