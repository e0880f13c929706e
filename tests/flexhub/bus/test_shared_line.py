from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from flexhub.bus.errors import BusUnavailable
from flexhub.bus.line import Reply
from flexhub.bus.opening import open_line
from flexhub.bus.scripts import Command
from flexhub.bus.shared_line import MOST_TOGETHER, SharedLine


class SlowLine:
    """Answers each command with its first argument, one exchange at a time and when it is let."""

    def __init__(self) -> None:
        self.exchanges: list[list[Command]] = []
        self.lets_go = asyncio.Event()
        self.fails = False
        self.closed = False

    async def exchange(
        self, commands: Sequence[Command], *, then: Sequence[Command] = (), wait_s: float = 0.0
    ) -> list[Reply]:
        self.exchanges.append([*commands, *then])
        await self.lets_go.wait()
        if self.fails:
            raise BusUnavailable("switched off by the test")
        return [command[1] for command in (*commands, *then)]

    async def close(self) -> None:
        self.closed = True


async def ask_all(line: SharedLine, number: int) -> list[asyncio.Task[list[Reply]]]:
    tasks = [asyncio.create_task(line.exchange([("A", each)], then=[("B", -each)])) for each in range(number)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return tasks


async def test_those_who_wait_go_out_together_and_each_gets_its_own_replies() -> None:
    slow = SlowLine()
    line = SharedLine(slow)
    first = await ask_all(line, 1)
    rest = await ask_all(line, 50)

    slow.lets_go.set()

    assert await asyncio.gather(*first, *rest) == [[0, 0], *([each, -each] for each in range(50))]
    assert [len(each) for each in slow.exchanges] == [2, 100]


async def test_what_one_asks_for_takes_effect_before_what_the_next_does() -> None:
    slow = SlowLine()
    line = SharedLine(slow)
    tasks = await ask_all(line, 3)

    slow.lets_go.set()
    await asyncio.gather(*tasks)

    sent = [command for exchange in slow.exchanges for command in exchange]
    assert sent == [("A", 0), ("B", 0), ("A", 1), ("B", -1), ("A", 2), ("B", -2)]


async def test_a_crowd_goes_out_in_parts() -> None:
    slow = SlowLine()
    line = SharedLine(slow)
    tasks = await ask_all(line, 3 * MOST_TOGETHER)

    slow.lets_go.set()
    await asyncio.gather(*tasks)

    assert max(len(each) for each in slow.exchanges) == 2 * MOST_TOGETHER
    assert len(slow.exchanges) <= 4


async def test_a_failure_is_told_to_all_and_the_next_are_asked_again() -> None:
    slow = SlowLine()
    line = SharedLine(slow)
    slow.fails = True
    tasks = [*(await ask_all(line, 1)), *(await ask_all(line, 5))]

    slow.lets_go.set()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    slow.fails = False

    assert all(isinstance(outcome, BusUnavailable) for outcome in outcomes)
    assert len(slow.exchanges) == 1
    assert await line.exchange([("A", 7)]) == [7]


async def test_who_goes_away_takes_nobody_along() -> None:
    slow = SlowLine()
    line = SharedLine(slow)
    first, gone, last = await ask_all(line, 3)
    gone.cancel()

    slow.lets_go.set()

    assert await first == [0, 0]
    assert await last == [2, -2]
    assert gone.cancelled() or gone.cancelling()


async def test_closing_lets_nobody_wait() -> None:
    slow = SlowLine()
    line = SharedLine(slow)
    tasks = [*(await ask_all(line, 1)), *(await ask_all(line, 2))]

    await line.close()

    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(outcome, BusUnavailable) for outcome in outcomes)
    assert slow.closed


async def test_a_thousand_at_once_over_a_real_server(redis_url: str) -> None:
    line = SharedLine(open_line(redis_url, timeout_s=5))

    counts = await asyncio.gather(*(line.exchange([("INCR", "n")]) for _ in range(1_000)))
    await line.close()

    assert [count for (count,) in counts] == list(range(1, 1_001))


async def test_a_server_that_is_away_is_told_to_all() -> None:
    line = SharedLine(open_line("redis://127.0.0.1:1/0", timeout_s=1))

    outcomes = await asyncio.gather(*(line.exchange([("INCR", "n")]) for _ in range(10)), return_exceptions=True)
    with pytest.raises(BusUnavailable):
        await line.exchange([("INCR", "n")])
    await line.close()

    assert all(isinstance(outcome, BusUnavailable) for outcome in outcomes)
