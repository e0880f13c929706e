from __future__ import annotations

import pytest

from flexhub.gateway.pace import FLOOD_FACTOR, Bucket, Pace, Verdict

START_S = 4096.0


def verdicts(pace: Pace, number: int, *, at_s: float = START_S, every_s: float = 0.0) -> list[Verdict]:
    return [pace.count(at_s + place * every_s) for place in range(number)]


def test_a_bucket_is_full_at_first_and_never_more_than_full() -> None:
    bucket = Bucket(per_s=2, size=3)
    assert bucket.left(START_S) == 3

    bucket.take(START_S)

    assert bucket.left(START_S) == 2
    assert bucket.left(START_S + 0.25) == 2.5
    assert bucket.left(START_S + 100) == 3


def test_allows_a_burst_and_then_the_rate() -> None:
    pace = Pace(messages_per_s=8, burst=5)

    assert verdicts(pace, 5) == [Verdict.WITHIN] * 5
    assert not pace.allows(START_S)
    assert pace.allows(START_S + 0.125)
    assert verdicts(pace, 50, at_s=START_S + 0.125, every_s=0.125) == [Verdict.WITHIN] * 50


def test_what_was_put_off_takes_nothing_from_what_comes_in_time() -> None:
    pace = Pace(messages_per_s=10, burst=5)

    # At twice the rate every other message is taken, for as long as it lasts.
    given = verdicts(pace, 1_000, every_s=0.05)

    assert 490 <= given.count(Verdict.WITHIN) <= 510
    assert Verdict.FLOODING not in given


def test_tells_an_excess_once_until_the_peer_was_quiet() -> None:
    pace = Pace(messages_per_s=10, burst=4)
    given = verdicts(pace, 100, every_s=0.05)
    assert given.count(Verdict.EXCEEDED) == 1
    assert Verdict.STILL_EXCEEDED in given

    again = verdicts(pace, 6, at_s=START_S + 60)

    assert again == [Verdict.WITHIN] * 4 + [Verdict.EXCEEDED, Verdict.STILL_EXCEEDED]


@pytest.mark.parametrize(("burst", "patience"), [(200, 1_000), (500, 2_500)])
def test_a_peer_that_does_not_listen_is_flooding_after_several_bursts(burst: int, patience: int) -> None:
    pace = Pace(messages_per_s=20, burst=burst)

    given = verdicts(pace, patience + 1)

    assert given.index(Verdict.FLOODING) == patience


def test_goes_on_for_ever_below_the_multiple_that_is_a_flood() -> None:
    pace = Pace(messages_per_s=20, burst=200)

    assert Verdict.FLOODING not in verdicts(pace, 20_000, every_s=1 / (20 * FLOOD_FACTOR))
    assert Verdict.FLOODING in verdicts(pace, 20_000, at_s=START_S + 10_000, every_s=1 / (40 * FLOOD_FACTOR))
