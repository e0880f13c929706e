from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flexhub.load.engine.mix import Kind, NotAMix, parse_mix


def test_spreads_each_kind_over_the_round() -> None:
    turns = parse_mix("measurement=4, storage-status=2")

    measurement, level = Kind.MEASUREMENT, Kind.STORAGE_STATUS
    assert turns == (measurement, level, measurement, measurement, level, measurement)


@given(st.dictionaries(st.sampled_from(list(Kind)), st.integers(1, 50), min_size=1))
def test_has_as_many_turns_of_each_kind_as_asked_for(weights: dict[Kind, int]) -> None:
    text = ",".join(f"{kind}={weight}" for kind, weight in weights.items())

    assert Counter(parse_mix(text)) == weights


@pytest.mark.parametrize(
    "text", ["", "measurement", "measurement=-1", "measurement=1.5", "measurement=0", "forecast=1", "measurement=99999"]
)
def test_says_what_is_no_mix(text: str) -> None:
    with pytest.raises(NotAMix):
        parse_mix(text)


def test_refuses_a_kind_that_stands_in_it_twice() -> None:
    with pytest.raises(NotAMix, match="twice"):
        parse_mix("measurement=1,measurement=2")
