"""Tells Celery about sites and hosted RMs that want attention.

A flag in Redis says that its task is on its way, so a task that was not sent has to be sent later: what the
broker did not take is kept and tried again. There is at most one entry for each of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import structlog

from flexhub.bus import Wake
from flexhub.bus.queue import TASK_LIFE_S
from flexhub.gateway.limits import REDIS_RETRY_MAX_S, WAKE_TIMEOUT_S, WAKES_TOGETHER

logger = structlog.get_logger(__name__)

SendTask = Callable[[Wake], None]
REACT_TASK = "cem_service.tasks.react"
ATTEND_TASK = "rm_adapters.tasks.attend"


def task_of(wake: Wake) -> tuple[str, dict[str, str]]:
    """Its name, since the gateway knows nothing of the code that we run at the ends of links, and its arguments."""
    tenant = {"tenant_id": str(wake.tenant_id)}
    if wake.node_id is not None:
        return ATTEND_TASK, tenant | {"node_id": str(wake.node_id)}
    return REACT_TASK, tenant | {"site_id": str(wake.site_id)}


def send_wake_task(wake: Wake) -> None:
    """Blocking."""
    from flexhub.celery import app

    task, arguments = task_of(wake)
    app.send_task(task, kwargs=arguments, expires=TASK_LIFE_S, retry=False, ignore_result=True)


class WakeSender:
    """Sends in one thread, because Celery's producer blocks."""

    def __init__(self, send_task: SendTask = send_wake_task) -> None:
        self._send_task = send_task
        self._pending: dict[Wake, None] = {}
        self._more = asyncio.Event()
        self._all_sent = asyncio.Event()
        self._all_sent.set()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="gateway-wakes")

    def add(self, wakes: Iterable[Wake]) -> None:
        for wake in wakes:
            self._pending[wake] = None
            self._more.set()
            self._all_sent.clear()

    async def run(self) -> None:
        """Send until cancelled."""
        failing = False
        while True:
            await self._more.wait()
            self._more.clear()
            wakes = self._next()
            try:
                sending = asyncio.get_running_loop().run_in_executor(self._thread, self._send_all, wakes)
                # Not wait_for: in Python 3.11 it swallows a cancellation that comes together with the result.
                async with asyncio.timeout(WAKE_TIMEOUT_S):
                    await sending
            except Exception as error:  # noqa: BLE001  # A broker's client raises what its transport does.
                if not failing:
                    logger.error("gateway.wakes.not_sent", wakes=len(wakes), error=type(error).__name__)
                failing = True
                self.add(wakes)
                await asyncio.sleep(REDIS_RETRY_MAX_S)
            else:
                if failing:
                    logger.info("gateway.wakes.sent_again")
                failing = False
                if not self._pending:
                    self._all_sent.set()

    async def drained(self, timeout_s: float) -> bool:
        """Wait until all wakes were sent; False when that took too long."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._all_sent.wait()
        except TimeoutError:
            return False
        return True

    def _next(self) -> list[Wake]:
        """Few enough that their timeout is that of a broker in trouble, and not that of a crowd."""
        wakes = list(islice(self._pending, WAKES_TOGETHER))
        for wake in wakes:
            del self._pending[wake]
        if self._pending:
            self._more.set()
        return wakes

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _send_all(self, wakes: list[Wake]) -> None:
        for wake in wakes:
            self._send_task(wake)
