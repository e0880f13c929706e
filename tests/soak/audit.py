"""Compares what devices were told with what the hub has."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import UUID

from flexhub.bus.worker_side import RedisWorkerBus
from flexhub.load.engine.record import read_record
from tests.bench.homes import Home
from tests.bench.world import World

_DRAIN_EVERY_S = 1.0
_RETENTION = timedelta(days=30)
_PAGE = 500
# Of the conversation's 500 messages; half of them at most are reports, the others are what answers and surrounds them.
_CONVERSATION = 200


class Drain:
    """Moves measurements from Redis to PostgreSQL every second, as the hub's worker does."""

    def __init__(self, redis_url: str) -> None:
        self._bus = RedisWorkerBus(redis_url)
        self._stop = threading.Event()
        self._one_at_a_time = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="drain", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()
        self._bus.close()

    def finish(self) -> None:
        """Move all that is there now."""
        from flexhub.telemetry.writer import drain

        with self._one_at_a_time:
            drain(self._bus, now=datetime.now(UTC), retention=_RETENTION, takes=1_000_000)

    def _run(self) -> None:
        from django.db import connections

        while not self._stop.wait(_DRAIN_EVERY_S):
            self.finish()
        connections.close_all()


def missing_measurements(record: Path, homes: Sequence[Home]) -> int:
    """How many measurements were acknowledged OK, and are not in PostgreSQL."""
    from flexhub.telemetry.models import Measurement
    from tenants.scope import platform_scope

    links = _links(homes)
    acknowledged = {(links[each.node], each.at) for each in read_record(record) if each.at is not None}
    with platform_scope("audit the measurements of a soak"):
        stored = Measurement.objects.filter(at__gte=min(at for _, at in acknowledged)).values_list("link_id", "at")
        for row in stored.iterator(chunk_size=10_000):
            acknowledged.discard(row)
    return len(acknowledged)


def missing_states(world: World, record: Path, homes: Sequence[Home]) -> int:
    """How many of the messages that each open session had acknowledged are not there.

    The last of each type has to be in the session's snapshot, and the last hundred of all in the conversation.
    """
    links = _links(homes)
    told: dict[UUID, dict[str, str]] = {}
    for each in read_record(record):
        told.setdefault(links[each.node], {})[each.message_id] = each.message_type
    bus = RedisWorkerBus(world.environment["REDIS_URL"])
    try:
        ids = list(told)
        return sum(_missing_of(bus, told, ids[start : start + _PAGE]) for start in range(0, len(ids), _PAGE))
    finally:
        bus.close()


def _missing_of(bus: RedisWorkerBus, told: dict[UUID, dict[str, str]], links: Sequence[UUID]) -> int:
    missing = 0
    for link_id, snapshot in bus.snapshots(links).items():
        # A later message of a type takes the place of the one before it.
        latest = {message_type: message_id for message_id, message_type in told[link_id].items()}
        texts = snapshot.texts.values() if snapshot is not None else ()
        missing += len(set(latest.values()) - _ids(text for text in texts if text.startswith("{")))
        entries = bus.conversation(link_id, _CONVERSATION)
        missing += len(set(list(told[link_id])[-_CONVERSATION // 2 :]) - _ids(entry.text for entry in entries))
    return missing


def _ids(texts: Iterable[str]) -> set[str]:
    return {json.loads(text).get("message_id", "") for text in texts}


def _links(homes: Sequence[Home]) -> dict[UUID, UUID]:
    """By node."""
    return {home.target.node: home.link_id for home in homes}
