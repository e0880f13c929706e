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
_BROKEN_FRAMES = {
    limits.CLOSE_TOO_BIG: "a message may have {limit} bytes at most",
    limits.CLOSE_NOT_UTF8: "a text frame holds UTF-8",
    limits.CLOSE_PROTOCOL_ERROR: "frames follow RFC 6455",
}
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
    link_id = str(seat.info.link_id)
    logger.info("gateway.session.opened", link_id=link_id, node_id=str(node_id), peer=seat.info.peer)
    code: int | None = None
    try:
        await send({"type": "websocket.accept"})
        seat.session.start(process.clock.now())
        await process.flush(seat)
        code = await _converse(process, seat, receive)
    finally:
        logger.info("gateway.session.closed", link_id=link_id, code=code)
        await process.leave(seat)


async def _admit(
    process: GatewayProcess, doorkeeper: Doorkeeper, node_id: UUID, scope: Scope, send: Send
) -> Seat | Refusal:
    if process.stopping:
        return STOPPING
    identity = await doorkeeper.admit(node_id, scope["headers"])
    if isinstance(identity, Refusal):
        return identity
    if process.stopping:
        return STOPPING  # It began to while the token was checked; a seat taken now would outlive the process.
    client = scope.get("client")
    try:
        return await process.open(identity, send, peer=f"{client[0]}:{client[1]}" if client else "")
    except BusUnavailable:
        return NO_REDIS


async def _converse(process: GatewayProcess, seat: Seat, receive: Receive) -> int | None:
    """Until the socket closes; returns its code."""
    session, clock, writer = seat.session, process.clock, process.writer
    while True:
        frame = await receive()
        now = clock.now()
        if frame["type"] != "websocket.receive":
            _note_broken_frame(process, seat, frame)
            return frame.get("code")
        if seat.closed:
            continue  # Our close frame is on its way; what the peer sent before it arrived has no receiver any more.
        text = frame.get("text")
        if text is None:
            events = session.receive_bytes(frame["bytes"], now)
        else:
            events = session.receive_text(text, now, available=writer.available and seat.has_room(text))
        # The acknowledgement leaves here, before anything else is done for the message.
        sent = await seat.flush()
        await process.finish(process.turn(seat, now, text), events, sent)


def _note_broken_frame(process: GatewayProcess, seat: Seat, frame: dict[str, Any]) -> None:
    """The server refused a frame and closed the socket by itself; only the conversation can tell the maker why."""
    code = frame.get("code")
    if code not in _BROKEN_FRAMES:
        return
    text = f"{_BROKEN_FRAMES[code].format(limit=process.max_frame_bytes)}; the connection was closed with {code}"
    shown = str(frame.get("reason") or "a frame that was not taken in")
    finding = Finding("R-03", Severity.ERROR, text)
    process.turn(seat, process.clock.now()).log_received(shown, None, (finding,))
    process.writer.touch()
