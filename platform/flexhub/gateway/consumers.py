"""One WebSocket, from its upgrade request to its end: feed the session, send what it answers, then let events count.

A connection that we opened ourselves, and the pipe of a house link, enter where a socket has been admitted (`hold`).

A message that comes faster than the device's type allows, or its tenant's quota, is read like any other, but put off:
it is answered TEMPORARY_ERROR and has no effect. Verdicts on our own messages do not count, and handshakes and session
requests are never put off. A peer that goes on all the same is closed (socket_pace.py).

A plain ASGI callable. A Channels consumer would start a task and cross to a thread for every frame, which costs more
than judging the frame does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any
from uuid import UUID

import structlog

from flexhub.bus import BusUnavailable
from flexhub.gateway import limits
from flexhub.gateway.auth import Doorkeeper
from flexhub.gateway.process import GatewayProcess
from flexhub.gateway.refusals import Receive, Refusal, Scope, Send, refuse
from flexhub.gateway.relay_events import RelayEvent
from flexhub.gateway.seats import Seat
from flexhub.gateway.socket_pace import SocketPace, counts, note
from flexhub.gateway.tenant_load import SessionQuotaReached, TenantLoad
from flexhub.pairing.services import NodeIdentity

logger = structlog.get_logger(__name__)

NO_REDIS = Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "No session can be opened now; try again later.\n")
_BROKEN_FRAMES = {
    limits.CLOSE_TOO_BIG: "a message may have {limit} bytes at most",
    limits.CLOSE_NOT_UTF8: "a text frame holds UTF-8",
    limits.CLOSE_PROTOCOL_ERROR: "frames follow RFC 6455",
}
STOPPING = Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "This server is stopping; connect again.\n")


async def serve(
    process: GatewayProcess,
    doorkeeper: Doorkeeper,
    node_id: UUID,
    scope: Scope,
    receive: Receive,
    send: Send,
    *,
    peer_id: UUID | None = None,
) -> None:
    """Admit or refuse one socket, and serve it until it closes. `peer_id` is the other node, where it is named."""
    await receive()
    refusal = await _admit_and_hold(process, doorkeeper, node_id, peer_id, scope, receive, send)
    if refusal is not None:
        logger.info("gateway.socket.refused", node_id=str(node_id), status=refusal.status.value)
        await refuse(scope, send, refusal)


async def _admit_and_hold(
    process: GatewayProcess,
    doorkeeper: Doorkeeper,
    node_id: UUID,
    peer_id: UUID | None,
    scope: Scope,
    receive: Receive,
    send: Send,
) -> Refusal | None:
    if process.stopping:
        return STOPPING
    identity = await doorkeeper.admit(node_id, scope["headers"], peer_id)
    if isinstance(identity, Refusal):
        return identity
    if process.stopping:
        return STOPPING  # It began to while the token was checked; a seat taken now would outlive the process.
    client = scope.get("client")
    try:
        await hold(process, identity, receive, send, peer=f"{client[0]}:{client[1]}" if client else "")
    except BusUnavailable:
        return NO_REDIS
    except SessionQuotaReached as error:
        return Refusal(HTTPStatus.TOO_MANY_REQUESTS, f"{error}\n")
    return None


async def hold(
    process: GatewayProcess,
    identity: NodeIdentity,
    receive: Receive,
    send: Send,
    *,
    peer: str,
    opened: Callable[[Seat], None] = lambda _: None,
) -> dict[str, Any]:
    """One session, from its seat to its end, over whatever carries text: a socket, a dialled connection, a pipe.

    `receive` and `send` speak ASGI's WebSocket events, from the accept on; `opened` is called with the seat that was
    taken, before that. Returns the event that said how it ended.
    Raises BusUnavailable where no seat can be had, and SessionQuotaReached; nothing was sent then.
    """
    load = await process.enter(identity)
    try:
        return await _hold(process, identity, load, receive, send, peer, opened)
    finally:
        load.leave()


async def _hold(
    process: GatewayProcess,
    identity: NodeIdentity,
    load: TenantLoad,
    receive: Receive,
    send: Send,
    peer: str,
    opened: Callable[[Seat], None],
) -> dict[str, Any]:
    seat = await process.open(identity, send, peer=peer)
    link_id = str(seat.info.link_id)
    logger.info("gateway.session.opened", link_id=link_id, node_id=str(identity.node_id), peer=peer)
    end: dict[str, Any] = {}
    try:
        opened(seat)
        await seat.accept()
        now = process.clock.now()
        left = await process.secure(process.turn(seat, now), seat.session.start(now))
        await process.flush(seat, left)
        end = await _converse(process, seat, SocketPace(process, seat, identity, load), receive)
        if not seat.closed:
            _note_cut(process, seat, end)
    finally:
        logger.info("gateway.session.closed", link_id=link_id, code=end.get("code"), reason=end.get("reason") or None)
        await process.leave(seat)
    return end


async def _converse(process: GatewayProcess, seat: Seat, pace: SocketPace, receive: Receive) -> dict[str, Any]:
    """Until the socket closes; returns the event that says how."""
    session, clock, writer = seat.session, process.clock, process.writer
    while True:
        frame = await receive()
        now = clock.now()
        if frame["type"] != "websocket.receive":
            return frame
        if seat.closed:
            continue  # Our close frame is on its way; what the peer sent before it arrived has no receiver any more.
        text = frame.get("text")
        if text is None:
            events: Sequence[RelayEvent] = session.receive_bytes(frame["bytes"], now)
        else:
            events = session.receive_text(
                text, now, available=pace.allows() and writer.available and seat.has_room(text)
            )
        left = await process.secure(process.turn(seat, now, text), events)
        # The acknowledgement leaves here.
        sent = await seat.flush()
        await process.finish(process.turn(seat, now, text), left, sent)
        if counts(events, answered=bool(sent)):
            await pace.count()


def _note_cut(process: GatewayProcess, seat: Seat, end: dict[str, Any]) -> None:
    """The server cut the connection off by itself, and not for the session; only the conversation can tell why."""
    code, reason = end.get("code"), str(end.get("reason") or "")
    if code in _BROKEN_FRAMES:
        text = f"{_BROKEN_FRAMES[code].format(limit=process.max_frame_bytes)}; the connection was closed with {code}"
        note(process, seat, text, rule="R-03", shown=reason or "a frame that was not taken in")
    elif code == limits.CLOSE_ABNORMAL and reason:
        note(process, seat, f"{reason}, and the connection was cut off")
