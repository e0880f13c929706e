"""Stands for the hosted energy managers of a crowd: selects FRBC for each session that has described itself.

A real worker would plan for each of them as well, which is not what is measured.
"""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import Any, Self
from uuid import UUID, uuid4

from redis import Redis

from flexhub.bus import Envelope, keys
from flexhub.bus.snapshot import CONTROL_TYPE_FIELD
from flexhub.bus.worker_side import RedisWorkerBus
from s2.messages import ControlType, SelectControlType, dump_message
from s2.versions import WireProfile

_DETAILS = "ResourceManagerDetails"
_LOOK_EVERY_S = 0.5
# An envelope to a session that ended meanwhile is lost; the next session is asked anew.
_ASK_AGAIN_S = 5.0


class Selector:
    """A thread that looks at the directory. As a context manager it runs."""

    def __init__(self, redis_url: str) -> None:
        self._redis: Any = Redis.from_url(redis_url, decode_responses=True)
        self._bus = RedisWorkerBus(redis_url)
        self._controlled: dict[str, set[str]] = {}
        self._asked: dict[str, float] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="selector", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()
        self._bus.close()
        self._redis.close()

    def seated(self, pid: int) -> int:
        """How many sessions that gateway process has."""
        return sum(self._redis.scard(keys.links(each)) for each in self._processes() if f"-{pid}-" in each)

    def controlled(self, pid: int) -> int:
        """How many sessions of that gateway process are under a control type."""
        return sum(len(links) for process, links in list(self._controlled.items()) if f"-{pid}-" in process)

    def _processes(self) -> list[str]:
        processes: list[str] = self._redis.zrange(keys.PROCESSES, 0, -1)
        return processes

    def _run(self) -> None:
        while not self._stop.wait(_LOOK_EVERY_S):
            for process in self._processes():
                self._look(process)

    def _look(self, process: str) -> None:
        links: set[str] = self._redis.smembers(keys.links(process))
        controlled = self._controlled.setdefault(process, set())
        controlled &= links
        new = sorted(links - controlled)
        pipe = self._redis.pipeline(transaction=False)
        for link in new:
            pipe.hmget(keys.link_keys(UUID(link)).snapshot, _DETAILS, CONTROL_TYPE_FIELD)
        for link, (details, control_type) in zip(new, pipe.execute(), strict=True):
            if control_type is not None:
                controlled.add(link)
                self._asked.pop(link, None)
            elif details is not None and time.monotonic() - self._asked.get(link, 0.0) > _ASK_AGAIN_S:
                self._asked[link] = time.monotonic()
                self._select(UUID(link))

    def _select(self, link_id: UUID) -> None:
        message = SelectControlType(message_id=str(uuid4()), control_type=ControlType.FILL_RATE_BASED_CONTROL)
        self._bus.publish(link_id, Envelope(link_id, "message", dump_message(message, WireProfile.V1_0_0)))
