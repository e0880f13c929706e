from __future__ import annotations

from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flexhub.load.engine.histogram import Histogram

durations = st.lists(st.floats(0, 60_000), min_size=1, max_size=200)
# A bucket is a 32nd of its durations wide, and a microsecond at least.
WIDTH = 1 / 32


def histogram(durations_s: list[float]) -> Histogram:
    made = Histogram()
    for each in durations_s:
        made.add(each)
    return made


@given(durations, st.sampled_from([0.0, 0.01, 0.5, 0.95, 0.99, 1.0]))
def test_a_percentile_is_that_of_the_sorted_list_or_a_little_more(durations_s: list[float], share: float) -> None:
    exact = sorted(durations_s)[max(1, ceil(share * len(durations_s))) - 1]

    found = histogram(durations_s).percentile(share)

    assert exact <= found <= exact * (1 + WIDTH) + 2e-6


@given(durations, durations)
def test_merged_it_is_that_of_both(first: list[float], second: list[float]) -> None:
    merged = histogram(first)

    merged.merge(histogram(second))

    assert merged.as_dict() == histogram(first + second).as_dict()
    assert merged.count == len(first) + len(second)


@given(st.lists(st.floats(0, 100_000)))
def test_survives_the_way_to_another_process(durations_s: list[float]) -> None:
    original = histogram(durations_s)

    copy = Histogram.of(**original.as_dict())  # type: ignore[arg-type]  # What JSON would make of it.

    assert (copy.count, copy.as_dict()) == (original.count, original.as_dict())


def test_the_longest_duration_is_exact() -> None:
    found = histogram([0.0123456, 0.001])

    assert found.longest_s == 0.0123456
    assert found.percentile(1) == 0.0123456


def test_an_empty_one_has_no_percentiles() -> None:
    assert Histogram().percentile(0.99) == 0


@pytest.mark.parametrize("duration_s", [-1.0, 0.0, 1e-9, 1e12])
def test_counts_whatever_a_clock_may_say(duration_s: float) -> None:
    assert histogram([duration_s]).count == 1
