"""The bounded memory of texts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2 import recent as recent_module
from s2.recent import RecentKeys


def test_remembers_the_last_ones_only() -> None:
    recent = RecentKeys(3)
    for each in ("one", "two", "three", "four"):
        recent.add(each)

    assert recent.find("one") is None
    assert [recent.find(each) for each in ("two", "three", "four")] == [1, 2, 0]
    assert len(recent) == 3


def test_an_unused_memory_is_empty() -> None:
    assert len(RecentKeys(256)) == 0
    assert RecentKeys(256).find("anything") is None


@given(st.lists(st.text(max_size=3), max_size=40), st.integers(1, 8), st.sampled_from([1, 2, 256]))
def test_finds_exactly_what_a_list_would(texts: list[str], capacity: int, buckets: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recent_module, "_BUCKETS", buckets)
        recent = RecentKeys(capacity)
        for each in texts:
            recent.add(each)

        remembered = set(texts[-capacity:])
        assert all((recent.find(each) is not None) == (each in remembered) for each in [*texts, "absent"])


def test_of_a_text_that_was_added_twice_the_newer_one_is_found() -> None:
    recent = RecentKeys(3)
    for each in ("one", "two", "one"):
        recent.add(each)

    assert recent.find("one") == 2
    recent.add("three")
    assert recent.find("one") == 2
