"""The bounded memory of texts."""

from hypothesis import given
from hypothesis import strategies as st

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


@given(st.lists(st.text(max_size=3), max_size=40), st.integers(1, 8))
def test_finds_exactly_what_a_list_would(texts: list[str], capacity: int) -> None:
    recent = RecentKeys(capacity)
    for each in texts:
        recent.add(each)

    remembered = set(texts[-capacity:])
    assert all((recent.find(each) is not None) == (each in remembered) for each in [*texts, "absent"])
