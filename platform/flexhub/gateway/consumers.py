"""One WebSocket, from its upgrade request to its end: feed the session, send what it answers, then let events count.

A plain ASGI callable. A Channels consumer would start a task and cross to a thread for every frame, which costs more
than judging the frame does.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from uuid import UUID

import structlog

from flexhub.bus import BusUnavailable
from flexhub.gateway import limits
from flexhub.gateway.auth import Doorkeeper
from flexhub.gateway.process import GatewayProcess
from flexhub.gateway.refusals import Receive, Refusal, Scope, Send, refuse
from flexhub.gateway.seats import Seat
from s2.findings import Finding, Severity

logger = structlog.get_logger(__name__)

_RETRY = ((b"retry-after", b"5"),)
NO_REDIS = Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "No session can be opened now; try again later.\n", _RETRY)
STOPPING = Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "This server is stopping; connect again.\n", _RETRY)


async def serve(
    process: GatewayProcess, doorkeeper: Doorkeeper, node_id: UUID, scope: Scope, receive: Receive, send: Send
) -> None:
    """Admit or refuse one socket, and serve it until it closes."""
    await receive()
    admitted = await _admit(process, doorkeeper, node_id, scope, send)
    if isinstance(admitted, Refusal):
        logger.info("gateway.socket.refused", node_id=str(node_id), status=admitted.status.value)
        await refuse(scope, send, admitted)
        return
    seat = admitted
    try:
        await send({"type": "websocket.accept"})
        seat.session.start(process.clock.now())
        await process.flush(seat)
        await _converse(process, seat, receive)
    finally:
        await process.leave(seat)


async def _admit(
    process: GatewayProcess, doorkeeper: Doorkeeper, node_id: UUID, scope: Scope, send: Send
) -> Seat | Refusal:
    if process.stopping:
        return STOPPING
    identity = await doorkeeper.admit(node_id, scope["headers"])
    if isinstance(identity, Refusal):
        return identity
    client = scope.get("client")
    try:
        return await process.open(identity, send, peer=f"{client[0]}:{client[1]}" if client else "")
    except BusUnavailable:
        return NO_REDIS


async def _converse(process: GatewayProcess, seat: Seat, receive: Receive) -> None:
    session, clock, writer = seat.session, process.clock, process.writer
    while True:
        frame = await receive()
        now = clock.now()
        if frame["type"] != "websocket.receive":
            _note_oversized(process, seat, frame)
            return
        if seat.closed:
            continue  # Our close frame is on its way; what the peer sent before it arrived has no receiver any more.
        text = frame.get("text")
        if text is None:
            events = session.receive_bytes(frame["bytes"], now)
        else:
            events = session.receive_text(text, now, available=writer.available)
        # The acknowledgement leaves here, before anything else is done for the message.
        sent = await seat.flush()
        await process.finish(process.turn(seat, now, text), events, sent)


def _note_oversized(process: GatewayProcess, seat: Seat, frame: dict[str, Any]) -> None:
    """The server closed the socket for its peer; only the conversation can tell the device's maker why."""
    if frame.get("code") != limits.CLOSE_TOO_BIG:
        return
    text = f"a message may have {process.max_frame_bytes} bytes at most; the connection was closed with 1009"
    finding = Finding("R-03", Severity.ERROR, text)
    process.turn(seat, process.clock.now()).log_received(
        str(frame.get("reason") or "frame too large"), None, (finding,)
    )
    process.writer.touch()
