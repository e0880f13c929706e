"""Tasks for Celery's workers: at most one on its way for each thing that wants to be looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from kombu.exceptions import OperationalError

from flexhub.bus.errors import BusUnavailable
from flexhub.bus.ports import WorkerBus

if TYPE_CHECKING:
    import celery  # Senders have imported their tasks already; whoever only names this module need not.

#: A task that waited for longer has been sent again by a sweep, for as long as there was something to do. Without an
#: end, those of an hour without workers would keep the first worker busy with nothing.
TASK_LIFE_S = 60.0


def send_task(
    task: celery.Task[Any, Any], *, delay_s: float = 0.0, life_s: float | None = TASK_LIFE_S, **arguments: object
) -> None:
    """Send a task once; `life_s` None where nothing would send it again. The arguments reach it as text.

    Raises BusUnavailable: the queues may be on a Redis of their own, and be away by themselves.
    """
    options: dict[str, Any] = {} if life_s is None else {"expires": delay_s + life_s}
    names = {name: str(value) for name, value in arguments.items()}
    try:
        task.apply_async(kwargs=names, countdown=delay_s, retry=False, **options)
    except OperationalError:
        # Its text may name the broker's address, with the password.
        raise BusUnavailable("the task queue cannot be reached") from None


def send_once(bus: WorkerBus, name: UUID, send: Callable[[], None]) -> None:
    """Send unless the task of this name is on its way already. Raises BusUnavailable; then nothing is on its way."""
    if not bus.request_wake(name):
        return
    try:
        send()
    except BusUnavailable:
        bus.end_wake(name)  # Whoever comes next has to send it.
        raise
