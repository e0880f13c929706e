from __future__ import annotations

import pytest

from flexhub.gateway.backoff import pause_s, slow_pause_s


@pytest.mark.parametrize(
    ("failures", "longest"), [(0, 2), (1, 4), (5, 64), (8, 512), (9, 600), (50, 600), (10**9, 600)]
)
def test_doubles_up_to_ten_minutes(failures: int, longest: float) -> None:
    assert pause_s(failures, 0.0) == 0
    assert pause_s(failures, 0.5) == longest / 2
    assert pause_s(failures, 0.999) < longest


def test_neither_hammers_nor_gives_up() -> None:
    assert slow_pause_s(0.0) == 300
    assert slow_pause_s(0.999) < 600
