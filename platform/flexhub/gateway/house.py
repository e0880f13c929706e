"""A house link: both of its ends are ours, and each has its session, seat and log as if the other were elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from flexhub.gateway.consumers import hold
from flexhub.gateway.limits import CLOSE_ABNORMAL
from flexhub.gateway.pipe import PipeEnd, pipe
from flexhub.gateway.process import GatewayProcess
from flexhub.gateway.seats import Seat
from flexhub.pairing.services import NodeIdentity

# Stands where other sessions show the address of their peer.
PEER = "house link"


async def hold_house(
    process: GatewayProcess, rm: NodeIdentity, cem: NodeIdentity, *, opened: Callable[[Seat], None]
) -> dict[str, Any]:
    """One session at each end, until either ends; then the other one ends too. `opened` is called with both seats.

    Returns the event that said how it ended. Raises BusUnavailable and SessionQuotaReached.
    """
    near, far = pipe(process.max_frame_bytes)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_hold_end(process, cem, far, opened))
            return await _hold_end(process, rm, near, opened)
    except ExceptionGroup as errors:
        # Whichever end failed took the other one with it.
        raise errors.exceptions[0] from None


async def _hold_end(
    process: GatewayProcess, identity: NodeIdentity, end: PipeEnd, opened: Callable[[Seat], None]
) -> dict[str, Any]:
    try:
        return await hold(process, identity, end.receive, end.send, peer=PEER, opened=opened)
    finally:
        end.close(CLOSE_ABNORMAL, "")
