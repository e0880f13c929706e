"""Which WebSocket path goes where, and the one gateway process that serves it.

Daphne offers no ASGI lifespan, so whoever runs the server calls `start_up`; without that the process starts with the
first connection.
"""

from __future__ import annotations

import re
from functools import cache
from uuid import UUID

from django.conf import settings

from flexhub.bus.connect import connect_gateway
from flexhub.bus.gateway_side import RedisGatewayBus
from flexhub.gateway import consumers
from flexhub.gateway.allowances import DatabaseAllowances
from flexhub.gateway.auth import Doorkeeper
from flexhub.gateway.dialer import Dialler
from flexhub.gateway.outgoing import Outgoing
from flexhub.gateway.process import GatewayProcess
from flexhub.gateway.refusals import UNKNOWN_PATH, Receive, Scope, Send, refuse
from flexhub.gateway.registry import DatabaseRegistry
from flexhub.gateway.tenant_loads import TenantLoads
from flexhub.gateway.token_watch import DatabaseCredentials
from flexhub.gateway.wake_sender import WakeSender

_ID = r"([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})"
# The second id names the other node of the link, for an energy manager that has several.
_NODE_PATH = re.compile(rf"/s2/v0/{_ID}(?:/{_ID})?/?")
# All of them: the tests of tenants' isolation try each.
WEBSOCKET_PATHS = {"s2": _NODE_PATH}


async def websocket(scope: Scope, receive: Receive, send: Send) -> None:
    match = _NODE_PATH.fullmatch(scope["path"])
    if match is None:
        await receive()
        await refuse(scope, send, UNKNOWN_PATH)
        return
    start_up()  # A process that has a lease has its share of the links that no peer opens.
    peer_id = UUID(match[2]) if match[2] else None
    await consumers.serve(_process(), _doorkeeper(), UUID(match[1]), scope, receive, send, peer_id=peer_id)


async def lifespan(receive: Receive, send: Send) -> None:
    """For servers that have one: a clean end."""
    await receive()
    start_up()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await shut_down()
    await send({"type": "lifespan.shutdown.complete"})


def start_up() -> None:
    """Begin with what needs no peer to begin: the lease, house links and dialled links. For the running event loop."""
    _outgoing().start()


async def shut_down() -> None:
    """Say goodbye to all sessions and give back what the process holds in Redis."""
    await _outgoing().stop()
    await _process().stop()
    _doorkeeper().close()


@cache
def _bus() -> RedisGatewayBus:
    return connect_gateway(settings.REDIS_URL)


@cache
def _process() -> GatewayProcess:
    return GatewayProcess(
        _bus(),
        settings.CLOCK,
        WakeSender(),
        DatabaseCredentials(),
        TenantLoads(_bus(), DatabaseAllowances()),
        ack_timeout_s=settings.S2_ACK_TIMEOUT_S,
        max_frame_bytes=settings.S2_MAX_FRAME_BYTES,
        cem_release_after_s=settings.CEM_RELEASE_AFTER_S,
        drain_s=settings.S2_DRAIN_S,
    )


@cache
def _outgoing() -> Outgoing:
    dialler = Dialler(
        max_frame_bytes=settings.S2_MAX_FRAME_BYTES, plain=settings.S2_DIAL_PLAIN, private=settings.S2_DIAL_PRIVATE
    )
    return Outgoing(_process(), _bus(), DatabaseRegistry(), dialler)


@cache
def _doorkeeper() -> Doorkeeper:
    return Doorkeeper()
