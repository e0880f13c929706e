"""A hosted RM in its database row, attended to as by Celery, and a CEM at the far end of its gateway.

The gateway is played: its session posts letters and reads its inbox as the real one does. Time moves only when a test
says so, and then from one moment to the next at which somebody wanted to be called.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from flexhub.bus import Batch, SeatInfo, end_id
from flexhub.bus.mail import LetterKind
from flexhub.bus.memory import MemoryGatewayBus, MemoryWorkerBus
from flexhub.bus.memory_store import MemoryStore
from flexhub.bus.snapshot import PROFILE_FIELD
from flexhub.clock import Clock
from rm_adapters import attendance, housekeeping
from rm_adapters.models import HostedRM, VendorAccount
from rm_adapters.runtime import Tools
from rm_adapters.services import link_account, look_for_devices, register
from rm_adapters.vendors.simulator.models import SimulatedMachine
from s2.events import ControlTypeSelected, Event, MessageReceived, Opened
from s2.messages import EnergyManagementRole, RevokeObject, dump_message, parse_message
from s2.rules.instructions import INSTRUCTIONS
from s2.session import Session
from s2.versions import WireProfile
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.rm_adapters.hosted_home import MORNING, Home, new_id
from tests.support.registry import make_device_type, make_site, make_tenant

NO_LOOK: Callable[[UUID, UUID], None] = lambda tenant_id, account_id: None  # noqa: E731


def make_account(tenant: Tenant, now: Callable[[], datetime] = lambda: MORNING, name: str = "Street") -> VendorAccount:
    """An account with the simulated vendor, which has told what is in it."""
    account = link_account(tenant=tenant, vendor="simulator", name=name, look=NO_LOOK)
    look_for_devices(tenant.pk, account.pk, now=now)
    with tenant_scope(tenant.pk):
        account.refresh_from_db()
    return account


def make_hosted_rm(tenant: Tenant, kind: str = "battery", now: Callable[[], datetime] = lambda: MORNING) -> HostedRM:
    account = make_account(tenant, now)
    site = make_site(tenant, f"{tenant.name} house")
    return register(account=account, device_key=kind, site=site, device_type=make_device_type())


class AttendedHome(Home):
    """As `Home`, whose CEM it shares; but what `Home` does by itself is done by the services here.

    `hosted_rm` is one that has been made already, of the same kind.
    """

    def __init__(
        self,
        kind: str = "battery",
        profile: WireProfile = WireProfile.V1_0_0,
        *,
        bus: type[MemoryWorkerBus] = MemoryWorkerBus,
        hosted_rm: HostedRM | None = None,
    ) -> None:
        self.kind, self.profile, self.now = kind, profile, MORNING
        self.cem_events, self.rm_events, self.warnings, self.outcomes = [], [], [], []
        self.rm, self.token = None, 0
        self.tasks: list[datetime] = []
        self.published: set[str] = set()
        clock = Clock(MORNING, 0.0, 1.0, real_time=self.seconds)
        store = MemoryStore(lambda: self.seconds() + 1e6)
        self.bus = bus(store)
        self.gateway = MemoryGatewayBus(store, lease_ttl_s=1e9)
        asyncio.run(self.gateway.register("gateway-1"))
        self.tools = Tools(self.bus, clock, lambda: str(uuid4()), self.send_attend, self.seconds)
        self.hosted_rm = hosted_rm or make_hosted_rm(make_tenant(), kind, clock.now)
        with tenant_scope(self.hosted_rm.tenant_id):
            self.end = end_id(self.hosted_rm.node.rm_link.pk, "CEM")
            self.site_id = self.hosted_rm.node.site_id

    def seconds(self) -> float:
        return (self.now - MORNING).total_seconds()

    # -- The gateway and the CEM behind it -----------------------------------------------------------------------------

    def connect(self) -> None:
        make = {"new_id": new_id, "agreed": self.profile}
        self.cem = Session(EnergyManagementRole.CEM, **make)  # type: ignore[arg-type]
        self.rm = Session(EnergyManagementRole.RM, **make)  # type: ignore[arg-type]
        self.published.clear()
        owner = {"tenant_id": self.hosted_rm.tenant_id, "site_id": self.site_id, "node_id": self.hosted_rm.pk}
        info = SeatInfo(link_id=self.end, name=self.kind, since=self.now, **owner)
        self.token = asyncio.run(self.gateway.claim_seat(info))
        self.cem_events += self.cem.start(self.now)
        for event in self.rm.start(self.now):
            self.hear(event)
        self.run_due()

    def disconnect(self) -> None:
        self.rm = None
        asyncio.run(self.gateway.release_seat(self.end, self.token))
        self.write(Batch())
        self.run_due()

    def hear(self, event: Event) -> None:
        match event:
            case Opened():
                self.post("opened", event.profile.value)
            case ControlTypeSelected():
                self.post("selected", event.control_type.value)
            case MessageReceived(message=message) if isinstance(message, INSTRUCTIONS):
                self.post("instruction", dump_message(message, self.profile))
            case MessageReceived(message=RevokeObject() as message):
                self.post("revoked", dump_message(message, self.profile))

    def post(self, kind: LetterKind, payload: str) -> None:
        batch = Batch()
        if kind == "opened":
            batch.fold(self.end, self.token, PROFILE_FIELD, payload)
        batch.post(self.end, self.token, kind, self.now, payload)
        self.write(batch)

    def write(self, batch: Batch) -> None:
        batch.wake_node(self.hosted_rm.tenant_id, self.hosted_rm.pk)
        result = asyncio.run(self.gateway.write(batch))
        self.tasks += [self.now for wake in result.woken if wake.node_id == self.hosted_rm.pk]

    def read_inbox(self) -> None:
        while envelopes := asyncio.run(self.gateway.read_inbox(0)):
            for envelope in envelopes:
                if self.rm is None or envelope.token != self.token or envelope.message_id in self.published:
                    continue
                self.published.add(envelope.message_id)
                self.warnings += self.rm.send(parse_message(envelope.payload, self.profile), self.now)
                self.deliver()

    # -- Celery --------------------------------------------------------------------------------------------------------

    def send_attend(self, _tenant_id: UUID, _node_id: UUID, delay_s: float) -> None:
        self.tasks.append(self.now + timedelta(seconds=delay_s))

    def attend(self) -> None:
        attendance.attend_or_come_back(self.hosted_rm.tenant_id, self.hosted_rm.pk, tools=self.tools)

    def run_due(self) -> None:
        """Beat's sweeps, then the tasks that are due, and what they lead to."""
        housekeeping.wake_due(self.tools)
        housekeeping.wake_changed_sessions(self.tools)
        for _ in range(500):
            task = min(self.tasks, default=None)
            if task is None or task > self.now:
                return
            self.tasks.remove(task)
            self.attend()
            self.read_inbox()
            self.deliver()
        raise AssertionError("there is always something to do at once")

    def wait(self, **span: float) -> AttendedHome:
        end = self.now + timedelta(**span)
        while self.now < end:
            moments = [each for session in (self.cem, self.rm) if session and (each := session.next_deadline())]
            if (next_at := self.row_now().next_at) is not None:
                moments.append(max(next_at, self.now + timedelta(seconds=1)))  # Beat comes once a second.
            self.now = min([each for each in (*moments, *self.tasks) if each > self.now] + [end])
            self.run_due()
            self.cem_events += self.cem.tick(self.now)
            if self.rm is not None:
                self.rm_events += self.rm.tick(self.now)
            self.deliver()
        return self

    # -- What can be asked afterwards ----------------------------------------------------------------------------------

    def row_now(self) -> HostedRM:
        with tenant_scope(self.hosted_rm.tenant_id):
            return HostedRM.objects.select_related("node", "account").get(pk=self.hosted_rm.pk)

    def settings(self) -> list[dict[str, Any]]:
        """What had its effect in the vendor's cloud, in order."""
        with tenant_scope(self.hosted_rm.tenant_id):
            machine = SimulatedMachine.objects.get(account_id=self.hosted_rm.account_id, key=self.kind)
        return [setting for _, setting in machine.settings]

    def check_writes(self) -> None:
        """Nothing was written twice: each test counts its settings."""
