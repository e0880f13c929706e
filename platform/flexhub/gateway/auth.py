"""Who is at the door: a bearer token per node, checked before the upgrade.

The check runs in threads of its own, so that a slow database costs new connections their place but never an open
session its acknowledgement. Those who come while a query is under way are checked together with the next one: after an
outage thousands come at once, and a query for each would take minutes.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from uuid import UUID

import structlog

from flexhub.gateway.database import ConnectionThread
from flexhub.gateway.limits import AUTH_BATCH, AUTH_GATHER_S, AUTH_QUEUE, AUTH_THREADS, AUTH_TIMEOUT_S
from flexhub.gateway.refusals import Refusal
from flexhub.pairing.services import LinkUnnamedError, NodeIdentity, SignIn, authenticate_nodes

logger = structlog.get_logger(__name__)

_CHALLENGE = ((b"www-authenticate", b'Bearer realm="s2"'),)
TOKEN_MISSING = Refusal(HTTPStatus.UNAUTHORIZED, "Send the header Authorization: Bearer <token>.\n", _CHALLENGE)
TOKEN_REFUSED = Refusal(HTTPStatus.UNAUTHORIZED, "This token does not open this node.\n", _CHALLENGE)
UNAVAILABLE = Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "The token cannot be checked now; try again later.\n")
LINK_UNNAMED = Refusal(
    HTTPStatus.CONFLICT,
    "This node has several links; name the other node too: /s2/v0/<node id>/<other node id>.\n",
)

Answer = NodeIdentity | LinkUnnamedError | None
Authenticate = Callable[[Sequence[SignIn]], list[Answer]]


class Doorkeeper:
    """Checks the tokens of those who wait, many at a time, in threads of its own.

    Anything but a valid token of a node that we can serve becomes a Refusal; nothing is raised for bad input or for
    a database in trouble. No answer is kept: what the database said counts once.
    """

    def __init__(self, authenticate: Authenticate = authenticate_nodes) -> None:
        self._authenticate = authenticate
        self._threads = [ConnectionThread("gateway-auth") for _ in range(AUTH_THREADS)]
        self._idle = list(self._threads)
        self._waiting: deque[_Visitor] = deque()
        self._checks: set[asyncio.Task[None]] = set()
        self._failing = False

    async def admit(
        self, node_id: UUID, headers: Iterable[tuple[bytes, bytes]], peer_id: UUID | None = None
    ) -> NodeIdentity | Refusal:
        """Who is there, for its link with the node `peer_id` or its only one."""
        token = bearer_token(headers)
        if token is None:
            return TOKEN_MISSING
        if len(self._waiting) >= AUTH_QUEUE:
            return UNAVAILABLE
        visitor = _Visitor(SignIn(node_id, token, peer_id), asyncio.get_running_loop().create_future())
        self._waiting.append(visitor)
        self._check_next()
        try:
            # Not wait_for, which in Python 3.11 may swallow the cancellation of the task that waits.
            async with asyncio.timeout(AUTH_TIMEOUT_S):
                return await visitor.answer
        except TimeoutError:
            return UNAVAILABLE

    def close(self) -> None:
        for task in self._checks:
            task.cancel()
        for thread in self._threads:
            thread.close()

    def _check_next(self) -> None:
        """Ask about those who wait, unless as much as we allow ourselves is being asked already."""
        if self._waiting and len(self._checks) < AUTH_THREADS:
            task = asyncio.get_running_loop().create_task(self._check())
            self._checks.add(task)
            task.add_done_callback(self._checked)

    def _next_visitors(self) -> list[_Visitor]:
        visitors: list[_Visitor] = []
        while self._waiting and len(visitors) < AUTH_BATCH:
            visitor = self._waiting.popleft()
            if not visitor.answer.done():  # It may have gone.
                visitors.append(visitor)
        return visitors

    async def _check(self) -> None:
        await asyncio.sleep(AUTH_GATHER_S)
        visitors = self._next_visitors()
        if not visitors:
            return
        sign_ins = [each.sign_in for each in visitors]
        answers: Sequence[Answer | Refusal]
        thread = self._idle.pop()  # There are no more checks than threads.
        try:
            answers = await thread.run(partial(self._authenticate, sign_ins))
        except Exception as error:  # noqa: BLE001  # Whatever it is, it is our trouble, and theirs to come again.
            self._fails(error)
            answers = [UNAVAILABLE] * len(visitors)
        else:
            self._recovers()
        finally:
            self._idle.append(thread)
        for visitor, answer in zip(visitors, answers, strict=True):
            if not visitor.answer.done():
                visitor.answer.set_result(answer if isinstance(answer, Refusal) else _judged(answer))

    def _fails(self, error: Exception) -> None:
        if not self._failing:
            # The error's text may quote the query, and with it what was asked for.
            logger.warning("gateway.auth.unavailable", error=type(error).__name__)
        self._failing = True

    def _recovers(self) -> None:
        if self._failing:
            logger.info("gateway.auth.available_again")
        self._failing = False

    def _checked(self, task: asyncio.Task[None]) -> None:
        self._checks.discard(task)
        if not task.cancelled():
            self._check_next()


@dataclass(frozen=True, slots=True)
class _Visitor:
    """Somebody who waits for an answer; whoever does not wait any more has cancelled it."""

    sign_in: SignIn
    answer: asyncio.Future[NodeIdentity | Refusal]


def _judged(answer: Answer) -> NodeIdentity | Refusal:
    if answer is None:
        return TOKEN_REFUSED
    if isinstance(answer, LinkUnnamedError):
        return LINK_UNNAMED
    return answer


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
