"""What one tenant may do in one process, given what it does in the others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flexhub.bus import TenantUse
from flexhub.gateway.pace import Verdict
from flexhub.gateway.tenant_load import Allowance, TenantLoad, rate_share, session_room

RATES = st.floats(min_value=0, max_value=1e6)
QUOTAS = st.floats(min_value=1, max_value=1e6)
NUMBERS = st.integers(min_value=0, max_value=10_000)


def load(sessions: int = 10, messages_per_s: int = 10) -> TenantLoad:
    return TenantLoad(Allowance(sessions, messages_per_s), 0.0)


def sent(tenant: TenantLoad, number: int, now_s: float) -> int:
    """How many of so many messages were taken in."""
    taken = 0
    for _ in range(number):
        taken += tenant.allows(now_s)
        tenant.count(now_s)
    return taken


@given(quota=QUOTAS, loads=st.lists(RATES, min_size=1, max_size=8))
def test_shares_of_a_tenant_that_is_too_loud_add_up_to_its_quota(quota: float, loads: list[float]) -> None:
    load = sum(loads)
    shares = [rate_share(quota, here=each, elsewhere=load - each) for each in loads]

    if load > quota:
        assert sum(shares) == pytest.approx(quota, rel=1e-6, abs=1e-3)
    else:
        # Whoever keeps to it is held back nowhere.
        assert all(share >= each * (1 - 1e-9) - 1e-9 for share, each in zip(shares, loads, strict=True))


@given(quota=QUOTAS, here=RATES)
def test_a_process_that_is_alone_has_the_whole_quota(quota: float, here: float) -> None:
    assert rate_share(quota, here=here, elsewhere=0) == pytest.approx(quota)


@given(quota=NUMBERS, held=st.lists(NUMBERS, min_size=1, max_size=8))
def test_processes_that_look_at_the_same_time_go_over_by_one_each_at_most(quota: int, held: list[int]) -> None:
    total = sum(held)

    opened = sum(max(0, session_room(quota, here=each, elsewhere=total - each, processes=len(held))) for each in held)

    assert total + opened <= max(quota, total) + len(held) - 1
    if total < quota:
        assert total + opened >= quota


def test_admits_as_many_sessions_as_the_quota_has() -> None:
    tenant = load(sessions=2)

    assert [tenant.enter() for _ in range(3)] == [True, True, False]
    assert tenant.sessions == 3
    tenant.leave()
    tenant.leave()
    assert tenant.enter()


def test_counts_the_sessions_of_other_processes() -> None:
    tenant = load(sessions=10)

    tenant.retune(TenantUse(sessions=7), 2, 1.0)

    # Of the three that are free, half.
    assert [tenant.enter() for _ in range(3)] == [True, True, False]


def test_takes_in_what_the_pace_allows_and_no_more() -> None:
    tenant = load(messages_per_s=10)

    assert sent(tenant, 150, 0.0) == 100  # Ten seconds' worth at once.
    assert sent(tenant, 50, 2.0) == 20


def test_leaves_the_others_their_part() -> None:
    tenant = load(messages_per_s=10)
    sent(tenant, 10, 0.0)

    use = tenant.take_stock(1.0)
    tenant.retune(TenantUse(messages_per_s=15.0), 2, 1.0)

    assert use == TenantUse(0, 5.0)  # Half of what was new.
    # Half of what may come at once, and then a quarter of the pace, as a quarter of the load is here.
    assert sent(tenant, 60, 1.0) == 50
    assert sent(tenant, 60, 5.0) == 10


def test_tells_an_excess_once_and_a_flood_in_the_end() -> None:
    tenant = load(messages_per_s=1)

    verdicts = [tenant.count(0.0) for _ in range(60)]

    assert verdicts[:10] == [Verdict.WITHIN] * 10
    assert verdicts.count(Verdict.EXCEEDED) == 1
    assert verdicts[50:] == [Verdict.FLOODING] * 10


def test_closing_a_session_forgives_what_it_may_have_sent() -> None:
    tenant = load(messages_per_s=1)
    while tenant.count(0.0) is not Verdict.FLOODING:
        pass

    tenant.forgive(2)

    verdicts = [tenant.count(0.0) for _ in range(21)]
    assert verdicts == [Verdict.STILL_EXCEEDED] * 20 + [Verdict.FLOODING]


def test_can_be_forgotten_once_nothing_is_held_against_it() -> None:
    tenant = load(messages_per_s=1)
    assert tenant.rests(0.0)
    tenant.enter()
    assert not tenant.rests(0.0)
    tenant.leave()
    tenant.count(0.0)

    assert not tenant.rests(0.0)
    assert tenant.rests(1.0)


def test_a_smaller_quota_holds_from_the_next_look_on() -> None:
    tenant = load(sessions=5, messages_per_s=100)
    for _ in range(4):
        tenant.enter()

    tenant.allowance = Allowance(2, 1)
    tenant.retune(TenantUse(), 1, 1.0)

    assert not tenant.enter()
    assert sent(tenant, 20, 1.0) == 10


def test_a_quota_of_nothing_allows_nothing() -> None:
    tenant = load(sessions=0, messages_per_s=0)

    assert not tenant.enter()
    assert not tenant.allows(100.0)
    assert tenant.count(100.0) is Verdict.FLOODING
