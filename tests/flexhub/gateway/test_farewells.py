from __future__ import annotations

import asyncio

import pytest

from flexhub.gateway.farewells import ask_to_reconnect, spread
from flexhub.gateway.seats import Seat
from s2.messages import ControlType
from tests.support.gateway_inside import NOW, controlled_seat


def seats(number: int) -> list[Seat]:
    return [controlled_seat(ControlType.FILL_RATE_BASED_CONTROL, 1) for _ in range(number)]


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was slept, without sleeping."""
    slept: list[float] = []

    async def sleep(delay_s: float) -> None:
        slept.append(delay_s)

    monkeypatch.setattr("flexhub.gateway.farewells.asyncio.sleep", sleep)
    return slept


async def told(chosen: list[Seat]) -> list[Seat]:
    return [seat async for seat in spread(chosen, within_s=4.0, pause_s=1.0)]


async def test_few_come_one_pause_after_the_other(pauses: list[float]) -> None:
    chosen = seats(3)

    assert await told(chosen) == chosen
    assert pauses == [1.0, 1.0]


async def test_many_share_the_time_there_is(pauses: list[float]) -> None:
    chosen = seats(16)

    assert await told(chosen) == chosen
    assert pauses == [0.25] * 15


async def test_who_closes_meanwhile_is_left_out_and_not_waited_for() -> None:
    chosen = seats(4)
    chosen[0].closed = True
    found: list[Seat] = []

    async with asyncio.timeout(10):
        async for seat in spread(chosen, within_s=0.01, pause_s=0.001):
            found.append(seat)
            chosen[2].closed = True

    assert found == [chosen[1], chosen[3]]


async def test_nobody_is_asked_twice() -> None:
    (seat,) = seats(1)

    assert ask_to_reconnect(seat, "This server restarts.", NOW)
    assert not ask_to_reconnect(seat, "This server restarts.", NOW)

    assert [text for text in seat.session.data_to_send() if "SessionRequest" in text] != []
