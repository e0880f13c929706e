from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.quota_table import Level, Quantity, Quotas, Usage, reached, room_for

NUMBERS = st.integers(min_value=0, max_value=1_000_000)


def test_every_quantity_has_a_default_and_words() -> None:
    for quantity in Quantity:
        assert Quotas()[quantity] > 0
        assert quantity.label


def test_says_otherwise_only_where_something_is_said() -> None:
    quotas = Quotas().but({"devices": 3, "sites": None, "sessions": 0})

    assert (quotas.devices, quotas.sites, quotas.sessions) == (3, Quotas().sites, 0)
    with pytest.raises(TypeError):
        Quotas().but({"dogs": 1})


@given(quota=NUMBERS, used=NUMBERS, adding=NUMBERS)
def test_what_finds_room_stays_within_the_quota(quota: int, used: int, adding: int) -> None:
    assert room_for(adding, used=used, quota=quota) == (used + adding <= quota)


@given(quota=NUMBERS, used=NUMBERS)
def test_a_quota_is_reached_when_nothing_more_has_room(quota: int, used: int) -> None:
    level = Usage(Quantity.DEVICES, quota, used).level

    assert (level is Level.REACHED) == (used > 0 and not room_for(1, used=used, quota=quota))
    assert (level is Level.NEAR) == (4 * quota <= 5 * used < 5 * quota)


@pytest.mark.parametrize(
    ("used", "percent", "words"), [(None, 0, ""), (79, 79, ""), (80, 80, "80 %"), (100, 100, "used up")]
)
def test_tells_how_much_is_used(used: float | None, percent: int, words: str) -> None:
    usage = Usage(Quantity.SESSIONS, 100, used)

    assert (usage.percent, usage.words) == (percent, words)


def test_more_than_nothing_is_far_too_much() -> None:
    usage = Usage(Quantity.SESSIONS, 0, 1)

    assert (usage.level, usage.percent) == (Level.REACHED, 999)


def test_the_refusal_names_the_quota_its_value_and_what_to_do() -> None:
    assert reached(Quantity.SESSIONS, 5) == (
        "The quota of this tenant is 5 sessions, and all of it is used. "
        "Close some, or ask the operator of this hub for more."
    )
    assert "7 devices" in reached(Quantity.DEVICES, 7)


def test_some_concern_one_kind_of_tenant_only() -> None:
    assert Quantity.DEVICES.concerns("PROVIDER")
    assert not Quantity.DEVICES.concerns("AGGREGATOR")
    assert Quantity.API_CLIENTS.concerns("AGGREGATOR")
