"""One simulated home: `python -m flexhub.demo.home --config <file>`.

The physics goes in steps of five simulated seconds, or more where simulated time is very fast, and whenever something
is told to a device in between. Each device has a connection of its own. SIGTERM ends the process cleanly.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from flexhub.clock import Clock
from flexhub.demo import report
from flexhub.demo.build import households
from flexhub.demo.config import ConfigError, HomeConfig
from flexhub.demo.household import Households
from flexhub.demo.physics.cell import CELL_S, cell_start
from flexhub.demo.resources import resources
from flexhub.demo.rm.client import Client

log = logging.getLogger(__name__)

MOST_TICKS_PER_REAL_S = 12.0
LEAST_PAUSE_S = 0.01
REPORT_EVERY_S = 1.0
CLOSE_WITHIN_S = 1.5


class Home:
    """The physics and the connections of one home, kept in step."""

    def __init__(self, config: HomeConfig, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._woken = asyncio.Event()
        self.world = self._restored()
        base = config.ws_url.rstrip("/")
        self.clients = [
            Client(resource, f"{base}/{device.node_id}", device.token, clock, self.world, self._woken.set)
            for device, resource in zip(config.devices, resources(config, self.world, clock), strict=True)
        ]

    async def live(self, stopped: asyncio.Event) -> None:
        """Until `stopped` is set."""
        tasks = [asyncio.create_task(client.run()) for client in self.clients]
        tasks += [asyncio.create_task(self._tick_forever()), asyncio.create_task(self._report_forever())]
        failed = asyncio.create_task(stopped.wait())
        try:
            done, _ = await asyncio.wait([failed, *tasks], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            await self._end([failed, *tasks])

    def step(self, at_s: float) -> None:
        """Bring everything to `at_s`, stopping at each moment in between at which a device is to act."""
        self.world.on.unreachable = frozenset(
            device.kind
            for device, client in zip(self._config.devices, self.clients, strict=True)
            if client.conversation is None or not client.conversation.controlling
        )
        while (due_s := self._next_due_s()) is not None and self.world.time_s < due_s <= at_s:
            self.world.advance(due_s)
            for client in self.clients:
                client_due_s = client.next_due_s()
                if client_due_s is not None and client_due_s <= due_s:
                    client.tick(due_s)
        self.world.advance(at_s)
        self.world.look()
        for client in self.clients:
            client.tick(self.world.time_s)

    def _restored(self) -> Households:
        """A home goes on where an earlier process left it; meanwhile its devices followed their own behaviour."""
        now_s = self._clock.now().timestamp()
        world = households(self._config, begin_s=now_s)
        saved = report.saved_state(self._config.report, self._config.clock)
        if saved is None:
            return world
        try:
            world.restore(saved)
        except (KeyError, TypeError, ValueError) as error:
            log.warning("cannot go on from %s: %s", self._config.report, error)
            return households(self._config, begin_s=now_s)
        world.advance(now_s)
        return world

    def _next_due_s(self) -> float | None:
        moments = [client.next_due_s() for client in self.clients]
        return min((each for each in moments if each is not None and each > self.world.time_s), default=None)

    async def _tick_forever(self) -> None:
        tick_s = max(CELL_S, self._clock.factor / MOST_TICKS_PER_REAL_S)
        while True:
            self._woken.clear()
            self.step(self._clock.now().timestamp())
            next_s = min(cell_start(self.world.time_s) + tick_s, self._next_due_s() or float("inf"))
            pause_s = max(LEAST_PAUSE_S, (next_s - self._clock.now().timestamp()) / self._clock.factor)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._woken.wait()

    async def _report_forever(self) -> None:
        while True:
            self._write_report()
            await asyncio.sleep(REPORT_EVERY_S)

    def _write_report(self) -> None:
        report.write(self._config.report, report.figures(self._config, self.world, self.clients))

    async def _end(self, tasks: Sequence[asyncio.Task[object]]) -> None:
        """Say goodbye on every socket, within the time that whoever stops us allows."""
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_WITHIN_S):
                await asyncio.gather(*(client.close() for client in self.clients), return_exceptions=True)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._write_report()


async def run(config: HomeConfig) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    await Home(config, Clock.parse(config.clock)).live(stopped)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m flexhub.demo.home", description="One simulated home.")
    parser.add_argument("--config", type=Path, required=True, help="the JSON file that describes the home")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    try:
        config = HomeConfig.read(options.config)
        asyncio.run(run(config))
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
