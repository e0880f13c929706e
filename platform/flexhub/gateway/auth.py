"""Who is at the door: a bearer token per node, checked before the upgrade.

The check is the gateway's only visit to PostgreSQL. It runs in a few threads of its own, so that a slow database
costs new connections their place but never an open session its acknowledgement.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from uuid import UUID

import structlog
from django.db import Error, close_old_connections

from flexhub.gateway.limits import AUTH_QUEUE, AUTH_THREADS, AUTH_TIMEOUT_S
from flexhub.gateway.refusals import Refusal
from flexhub.pairing.services import LinkUnnamedError, NodeIdentity, authenticate_node
from s2.messages import EnergyManagementRole

logger = structlog.get_logger(__name__)

_CHALLENGE = ((b"www-authenticate", b'Bearer realm="s2"'),)
TOKEN_MISSING = Refusal(HTTPStatus.UNAUTHORIZED, "Send the header Authorization: Bearer <token>.\n", _CHALLENGE)
TOKEN_REFUSED = Refusal(HTTPStatus.UNAUTHORIZED, "This token does not open this node.\n", _CHALLENGE)
UNAVAILABLE = Refusal(
    HTTPStatus.SERVICE_UNAVAILABLE, "The token cannot be checked now; try again later.\n", ((b"retry-after", b"5"),)
)
NO_HOSTED_RM = Refusal(
    HTTPStatus.CONFLICT,
    "The resource manager of this link is hosted here, and does not speak with energy managers elsewhere yet.\n",
)
LINK_UNNAMED = Refusal(
    HTTPStatus.CONFLICT,
    "This node has several links; name the other node too: /s2/v0/<node id>/<other node id>.\n",
)

Authenticate = Callable[[UUID, str, UUID | None], NodeIdentity | None]


class Doorkeeper:
    """Checks tokens in a bounded pool of threads.

    Anything but a valid token of a node that we can serve becomes a Refusal; nothing is raised for bad input or for
    a database in trouble.
    """

    def __init__(self, authenticate: Authenticate = authenticate_node) -> None:
        self._authenticate = authenticate
        self._threads = ThreadPoolExecutor(AUTH_THREADS, thread_name_prefix="gateway-auth")
        self._waiting = 0

    async def admit(
        self, node_id: UUID, headers: Iterable[tuple[bytes, bytes]], peer_id: UUID | None = None
    ) -> NodeIdentity | Refusal:
        """Who is there, for its link with the node `peer_id` or its only one."""
        token = bearer_token(headers)
        if token is None:
            return TOKEN_MISSING
        if self._waiting >= AUTH_QUEUE:
            return UNAVAILABLE
        self._waiting += 1
        try:
            check = asyncio.get_running_loop().run_in_executor(self._threads, self._check, node_id, token, peer_id)
            identity = await asyncio.wait_for(check, AUTH_TIMEOUT_S)
        except LinkUnnamedError:
            return LINK_UNNAMED
        except (Error, TimeoutError) as error:
            # The error's text may quote the query, and with it what was asked for.
            logger.warning("gateway.auth.unavailable", node_id=str(node_id), error=type(error).__name__)
            return UNAVAILABLE
        finally:
            self._waiting -= 1
        if identity is None:
            return TOKEN_REFUSED
        if identity.peer_hosted and identity.role == EnergyManagementRole.CEM:
            return NO_HOSTED_RM
        return identity

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _check(self, node_id: UUID, token: str, peer_id: UUID | None) -> NodeIdentity | None:
        # No request surrounds this thread's work, so what Django does at a request's edges is done here.
        close_old_connections()
        try:
            return self._authenticate(node_id, token, peer_id)
        finally:
            close_old_connections()


def bearer_token(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The token of the one Authorization header, or None where it is missing, doubled or malformed (RFC 6750)."""
    values = [value for name, value in headers if name == b"authorization"]
    if len(values) != 1:
        return None
    scheme, _, token = values[0].strip().partition(b" ")
    token = token.strip()
    if scheme.lower() != b"bearer" or not token or len(token) > 512 or not token.isascii() or b" " in token:
        return None
    return token.decode("ascii")
