"""The union of spans."""

import pytest

from s2.rules.spans import Span, merged


@pytest.mark.parametrize(
    ("spans", "union"),
    [
        ([], []),
        ([(3, 4), (1, 2)], [(1, 2), (3, 4)]),
        ([(1, 2), (2, 3)], [(1, 3)]),
        ([(1, 9), (2, 3), (4, 5)], [(1, 9)]),
        ([(1, 1), (1, 1)], [(1, 1)]),
    ],
)
def test_spans_that_meet_become_one(spans: list[Span], union: list[Span]) -> None:
    assert merged(spans) == union
