"""The tenants that have sessions in this process: what they may use, what they use, and what they use elsewhere.

Once a second the process tells the others and hears of them, in one exchange with Redis for all tenants. While Redis is
away, what was last heard goes on counting, and sessions go on under the shares that they had.

Quotas are read from PostgreSQL beside all that: those of a tenant with its first session here, and those of all of them
every half minute. While the database is away, what is known goes on counting.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from uuid import UUID

import structlog

from flexhub.bus import BusUnavailable, GatewayBus, TenantUse, UseReport
from flexhub.gateway import limits
from flexhub.gateway.allowances import Allowances
from flexhub.gateway.database import DatabaseUnavailable
from flexhub.gateway.tenant_load import Allowance, TenantLoad
from flexhub.observability.outage import Outage

logger = structlog.get_logger(__name__)


class TenantLoads:
    """One for each gateway process. Methods are called from its event loop only."""

    def __init__(self, bus: GatewayBus, allowances: Allowances) -> None:
        self._bus = bus
        self._allowances = allowances
        self._loads: dict[UUID, TenantLoad] = {}
        self._known: dict[UUID, Allowance] = {}
        self._others: Sequence[UseReport] = ()
        # Whose quotas are to be read next, and whose are being read.
        self._wanted: set[UUID] = set()
        self._asked: set[UUID] = set()
        self._reading: asyncio.Task[None] | None = None
        self._read_at_s = 0.0
        self._outage = Outage("quotas cannot be read, and what is known of them goes on counting")

    async def of(self, tenant_id: UUID) -> TenantLoad:
        """How the tenant stands here. Waits for its quotas where they are not known, but not for long."""
        if tenant_id not in self._known:
            self._wanted.add(tenant_id)
            # What is being read already may have begun before.
            while tenant_id in self._wanted or tenant_id in self._asked:
                await asyncio.shield(self._read())
        load = self._loads.get(tenant_id)
        if load is None:
            load = TenantLoad(self._known.get(tenant_id, self._allowances.fallback), _now_s())
            self._loads[tenant_id] = load
            self._retune(tenant_id, load)
        return load

    async def run(self) -> None:
        """Tell and hear, until cancelled."""
        while True:
            try:
                await self.look()
            except BusUnavailable:
                logger.debug("gateway.tenant_loads.waits_for_redis")
            if _now_s() - self._read_at_s >= limits.QUOTAS_READ_S:
                self.read_again()
            await asyncio.sleep(limits.USE_TOLD_S)

    async def look(self) -> None:
        """One exchange, and what follows from it. Raises BusUnavailable."""
        self._forget_those_at_rest()
        now_s = _now_s()
        use = {tenant_id: each.take_stock(now_s) for tenant_id, each in self._loads.items()}
        try:
            self._others = await self._bus.tell_use(use)
        finally:
            # Also where nothing was heard: the load here may be another one.
            for tenant_id, load in self._loads.items():
                self._retune(tenant_id, load)

    def read_again(self) -> None:
        """The quotas of all tenants that have sessions here; what has changed counts from the next look on."""
        self._wanted.update(self._loads)
        self._read()

    def close(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
        self._allowances.close()

    def _retune(self, tenant_id: UUID, load: TenantLoad) -> None:
        load.allowance = self._known.get(tenant_id, load.allowance)
        tenant, sessions, messages_per_s = str(tenant_id), 0, 0.0
        for report in self._others:
            use = report.of(tenant)
            sessions, messages_per_s = sessions + use.sessions, messages_per_s + use.messages_per_s
        load.retune(TenantUse(sessions, messages_per_s), len(self._others) + 1, _now_s())

    def _forget_those_at_rest(self) -> None:
        now_s = _now_s()
        for tenant_id in [each for each, load in self._loads.items() if load.rests(now_s)]:
            del self._loads[tenant_id]
            self._known.pop(tenant_id, None)

    def _read(self) -> asyncio.Task[None]:
        if self._reading is None or self._reading.done():
            self._reading = asyncio.get_running_loop().create_task(self._read_wanted())
        return self._reading

    async def _read_wanted(self) -> None:
        self._asked, self._wanted = self._wanted, set()
        self._read_at_s = _now_s()
        try:
            with self._outage.expected(DatabaseUnavailable):
                self._known.update(await self._allowances.read(self._asked))
        finally:
            self._asked = set()


def _now_s() -> float:
    return asyncio.get_running_loop().time()
