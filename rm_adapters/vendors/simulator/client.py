"""The way to the simulated cloud: its machines lie in rows, so that they outlive each task, and each worker."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from typing import Any

from asgiref.sync import sync_to_async

from rm_adapters.sdk import Account
from rm_adapters.vendors.simulator.cloud import SimulatedCloud
from rm_adapters.vendors.simulator.models import SimulatedMachine
from tenants.scope import tenant_scope

#: How many of its last settings a machine remembers.
SETTINGS_KEPT = 100


@asynccontextmanager
async def connect(account: Account) -> AsyncIterator[SimulatedCloud]:
    """The machines of this account, as the only one who is at them.

    What has happened to them when the block ends has happened, also where it ends with an error: this is a cloud, and
    does not take back what it did because somebody did not get to hear of it.
    """
    street = _Street(account)
    try:
        yield await sync_to_async(street.open)()
    finally:
        await sync_to_async(street.close)()


class _Street:
    """The rows, locked from `open` to `close` in a transaction of their own."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._transaction = ExitStack()
        self._rows: list[SimulatedMachine] = []
        self._cloud: SimulatedCloud | None = None

    def open(self) -> SimulatedCloud:
        self._transaction.enter_context(tenant_scope(self._account.tenant_id))
        self._rows = self._locked() or self._built()
        machines = {row.key: row.machine for row in self._rows}
        self._cloud = SimulatedCloud.load(machines, self._account.now)
        return self._cloud

    def close(self) -> None:
        """Keep what has changed. May also be called when `open` has failed, or was never let to."""
        with self._transaction:
            if self._cloud is not None:
                self._store(self._cloud)

    def _locked(self) -> list[SimulatedMachine]:
        return list(SimulatedMachine.objects.select_for_update().filter(account_id=self._account.id).order_by("key"))

    def _built(self) -> list[SimulatedMachine]:
        """An account holds one device of each kind from the first look on. Two may look first at once."""
        owner = {"tenant_id": self._account.tenant_id, "account_id": self._account.id}
        machines = SimulatedCloud.street(self._account.now).dump()
        rows = [SimulatedMachine(key=key, machine=machine, **owner) for key, machine in machines.items()]
        SimulatedMachine.objects.bulk_create(rows, ignore_conflicts=True)
        return self._locked()

    def _store(self, cloud: SimulatedCloud) -> None:
        machines = cloud.dump()
        for row in self._rows:
            told = [[at.isoformat(), setting] for at, key, setting in cloud.written if key == row.key]
            changed: dict[str, Any] = {"machine": machines[row.key]} if machines[row.key] != row.machine else {}
            if told:
                changed["settings"] = (row.settings + told)[-SETTINGS_KEPT:]
            if changed:
                SimulatedMachine.objects.filter(pk=row.pk).update(**changed)
