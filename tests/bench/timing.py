"""How long a piece of work takes at best."""

from __future__ import annotations

import time
from collections.abc import Callable


def best_us(work: Callable[[], object], rounds: int) -> float:
    """CPU time in microseconds of the fastest of so many rounds, after one that does not count."""
    work()
    taken = []
    for _ in range(rounds):
        before = time.process_time()
        work()
        taken.append(time.process_time() - before)
    return min(taken) * 1e6
