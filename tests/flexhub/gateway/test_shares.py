from __future__ import annotations

from collections import Counter
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flexhub.gateway.shares import Shares, owner

NAMES = st.sets(st.text(min_size=1, max_size=20), min_size=1, max_size=8)
KEYS = st.lists(st.uuids(), max_size=30, unique=True)


@given(key=st.uuids(), names=NAMES)
def test_a_link_has_one_owner_whoever_asks(key: UUID, names: set[str]) -> None:
    assert owner(key, sorted(names)) == owner(key, sorted(names, reverse=True))
    assert owner(key, names) in names


@given(keys=KEYS, names=NAMES, leaving=st.data())
def test_a_process_that_leaves_moves_its_own_links_only(
    keys: list[UUID], names: set[str], leaving: st.DataObject
) -> None:
    gone = leaving.draw(st.sampled_from(sorted(names)))
    left = names - {gone}

    for key in keys if left else ():
        before = owner(key, names)
        assert owner(key, left) == before or before == gone


@given(keys=KEYS, names=NAMES, newcomer=st.text(min_size=1, max_size=20))
def test_a_process_that_comes_takes_and_moves_nothing_between_others(
    keys: list[UUID], names: set[str], newcomer: str
) -> None:
    for key in keys:
        assert owner(key, names | {newcomer}) in {owner(key, names), newcomer}


@pytest.mark.parametrize("processes", [2, 3, 5])
def test_the_shares_are_about_equal(processes: int) -> None:
    # Ids of real processes differ in few characters, and those of links may be consecutive.
    names = [f"gateway-{number}-{number}" for number in range(processes)]

    counts = Counter(owner(UUID(int=number), names) for number in range(4_000))

    fair = 4_000 / processes
    assert all(0.85 * fair < counts[name] < 1.15 * fair for name in names)


def test_remembers_owners_of_one_view_only() -> None:
    shares = Shares()
    keys = [UUID(int=number) for number in range(50)]
    assert shares.owner(keys[0]) is None

    shares.see(["a", "b"])
    first = [shares.owner(key) for key in keys]
    shares.see(["a"])

    assert first == [owner(key, ["a", "b"]) for key in keys]
    assert {shares.owner(key) for key in keys} == {"a"}
    shares.see([])
    assert shares.owner(keys[0]) is None


def test_forgets_links_that_are_gone() -> None:
    shares = Shares()
    keys = [UUID(int=number) for number in range(50)]
    shares.see(["a", "b"])
    for key in keys:
        shares.owner(key)

    shares.forget_all_but(keys[:5])

    assert set(shares._owners) == set(keys[:5])


def test_nobody_owns_anything_where_nobody_lives() -> None:
    with pytest.raises(ValueError, match="empty"):
        owner(UUID(int=1), [])
