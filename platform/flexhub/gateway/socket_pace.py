"""How fast one socket's peer may send: as its device type allows, and as the quota of its tenant does."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import structlog

from flexhub.gateway import limits
from flexhub.gateway.pace import FLOOD_FACTOR, Pace, Verdict
from flexhub.gateway.process import GatewayProcess
from flexhub.gateway.relay_events import Passed, RelayEvent
from flexhub.gateway.seats import Seat
from flexhub.gateway.tenant_load import TenantLoad
from flexhub.pairing.services import NodeIdentity
from s2.events import MessageReceived, MessageRefused, ReceptionReceived, ReceptionUnmatched
from s2.findings import Finding, Severity

logger = structlog.get_logger(__name__)

# Stands where a finding names its rule: not one of S2, but one of this server.
_EDGE = "gateway"


def counts(events: Iterable[RelayEvent], *, answered: bool) -> bool:
    """Whether the frame that led to `events` counts against the sender's pace; all but awaited verdicts do."""
    for event in events:
        if isinstance(event, ReceptionReceived):
            return False
        if isinstance(event, MessageReceived | MessageRefused | ReceptionUnmatched | Passed):
            return True
    # A message that was said twice means nothing new; only its answer is repeated.
    return answered


class SocketPace:
    """One socket's pace in real time, and what follows when it is exceeded.

    What its own pace puts off costs the tenant nothing: one device that is too loud leaves the others their room. Nor
    does what our own nodes say over a house link, since nobody could tell them to be quiet but we ourselves.
    """

    __slots__ = ("_identity", "_limit", "_now_s", "_pace", "_process", "_seat", "_tenant")

    def __init__(self, process: GatewayProcess, seat: Seat, identity: NodeIdentity, load: TenantLoad) -> None:
        self._process = process
        self._seat = seat
        self._identity = identity
        self._tenant = None if identity.hosted else load
        self._pace = Pace(identity.messages_per_s, identity.burst)
        self._limit = f"{identity.messages_per_s} messages a second and {identity.burst} at once"
        self._now_s = asyncio.get_running_loop().time

    def allows(self) -> bool:
        now_s = self._now_s()
        return self._pace.allows(now_s) and (self._tenant is None or self._tenant.allows(now_s))

    async def count(self) -> None:
        now_s = self._now_s()
        verdict = self._pace.count(now_s)
        if verdict is not Verdict.WITHIN:
            await self._judge(verdict, f"{self._limit} are allowed", "gateway.session.floods")
        elif self._tenant is not None and (verdict := self._tenant.count(now_s)) is not Verdict.WITHIN:
            await self._judge_tenant(verdict, self._tenant)

    async def _judge_tenant(self, verdict: Verdict, load: TenantLoad) -> None:
        quota = load.allowance.messages_per_s
        if verdict is Verdict.EXCEEDED:
            tenant_id = str(self._identity.tenant_id)
            logger.warning("gateway.tenant.exceeds", tenant_id=tenant_id, messages_per_s=quota)
        elif verdict is Verdict.FLOODING and not self._seat.closed:
            load.forgive(self._identity.messages_per_s)
        limit = f"the tenant's sessions may send {quota} messages a second together"
        await self._judge(verdict, limit, "gateway.tenant.floods")

    async def _judge(self, verdict: Verdict, limit: str, event: str) -> None:
        if verdict is Verdict.EXCEEDED:
            note(self._process, self._seat, f"{limit}; more are answered TEMPORARY_ERROR")
        elif verdict is Verdict.FLOODING and not self._seat.closed:
            code = limits.CLOSE_TRY_AGAIN_LATER
            logger.warning(event, link_id=str(self._seat.info.link_id), allowed=limit)
            reason = f"{limit}; it went on at more than {FLOOD_FACTOR} times that"
            note(self._process, self._seat, f"{reason}, and the connection was closed with {code}")
            await self._seat.close(code, reason)


def note(process: GatewayProcess, seat: Seat, text: str, *, rule: str = _EDGE, shown: str = "") -> None:
    """Put into the conversation what no message of it shows."""
    process.turn(seat, process.clock.now()).log_received(shown, None, (Finding(rule, Severity.ERROR, text),))
