"""A line for many tasks at once: whoever waits for it goes out together with all others who do.

After an outage thousands of sessions claim their seats at the same time. One round trip for each, one after the other
through a busy event loop, takes longer than a device waits for its upgrade, and longer than a lease lives.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from flexhub.bus.errors import BusUnavailable
from flexhub.bus.line import Line, Reply
from flexhub.bus.scripts import Command

# Claims of seats, which are the largest, have some 600 bytes each.
MOST_TOGETHER = 200


@dataclass(frozen=True, slots=True)
class _Asked:
    commands: Sequence[Command]
    replies: asyncio.Future[list[Reply]]


class SharedLine:
    """A `Line` over one to a single server, where commands take effect in the order in which they were asked for.

    What fails, fails for all who went out with it and for all who wait: nobody waits for more than two timeouts.
    """

    def __init__(self, line: Line) -> None:
        self._line = line
        self._waiting: list[_Asked] = []
        self._exchanging: asyncio.Task[None] | None = None

    async def exchange(
        self, commands: Sequence[Command], *, then: Sequence[Command] = (), wait_s: float = 0.0
    ) -> list[Reply]:
        assert not wait_s, "a command that waits would hold up all others"  # noqa: S101 - Ours to know.
        asked = _Asked([*commands, *then], asyncio.get_running_loop().create_future())
        self._waiting.append(asked)
        if self._exchanging is None or self._exchanging.done():
            self._exchanging = asyncio.create_task(self._exchange_all())
        return await asked.replies

    async def close(self) -> None:
        if self._exchanging is not None:
            self._exchanging.cancel()
            await asyncio.wait([self._exchanging])
        self._fail(self._take(len(self._waiting)), BusUnavailable("the line is closed"))
        await self._line.close()

    async def _exchange_all(self) -> None:
        while self._waiting:
            together = self._take(MOST_TOGETHER)
            try:
                replies = iter(await self._line.exchange([command for asked in together for command in asked.commands]))
            except BusUnavailable as error:
                self._fail([*together, *self._take(len(self._waiting))], error)
                continue
            except BaseException:
                self._fail(together, BusUnavailable("the exchange was broken off"))
                raise
            for asked in together:
                answer = [next(replies) for _ in asked.commands]
                if not asked.replies.done():
                    asked.replies.set_result(answer)

    def _take(self, number: int) -> list[_Asked]:
        taken, self._waiting = self._waiting[:number], self._waiting[number:]
        return taken

    def _fail(self, asked: Sequence[_Asked], error: BusUnavailable) -> None:
        for each in asked:
            if not each.replies.done():
                each.replies.set_exception(error)
