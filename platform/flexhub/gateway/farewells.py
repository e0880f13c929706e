"""How sessions are asked to begin anew, and that thousands of them do not do so at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from flexhub.gateway.seats import Seat
from flexhub.gateway.sessions import new_id
from s2.errors import LocalProtocolError
from s2.messages import SessionRequest, SessionRequestType


def ask_to_reconnect(seat: Seat, label: str, at: datetime) -> bool:
    """Queue SessionRequest RECONNECT; the caller flushes the seat. False for a session that is ending already."""
    request = SessionRequest(message_id=new_id(), request=SessionRequestType.RECONNECT, diagnostic_label=label)
    try:
        seat.session.send(request, at)
    except LocalProtocolError:
        return False
    return True


async def spread(seats: Sequence[Seat], *, within_s: float, pause_s: float) -> AsyncIterator[Seat]:
    """One after the other, save those that close meanwhile: `pause_s` apart, or less so that all fit `within_s`."""
    pause_s = min(within_s / max(len(seats), 1), pause_s)
    is_first = True
    for seat in seats:
        if seat.closed:
            continue
        if not is_first:
            await asyncio.sleep(pause_s)
        is_first = False
        if not seat.closed:
            yield seat
