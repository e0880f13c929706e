"""A household with a battery under its hosted CEM, on the in-memory bus, with a clock that stands still."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Container
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from cem_service.limits import LimitWish
from cem_service.models import Instruction, PlanRun, PlanRunKind
from cem_service.objectives import create_tariff, set_objectives
from cem_service.runtime import Tools
from flexhub.bus import Batch, Envelope, SeatInfo
from flexhub.bus.memory import MemoryGatewayBus, MemoryWorkerBus
from flexhub.bus.memory_store import MemoryStore
from flexhub.bus.snapshot import CONTROL_TYPE_FIELD, PROFILE_FIELD, snapshot_field
from s2.messages import (
    Commodity,
    CommodityQuantity,
    ControlType,
    FRBCSystemDescription,
    Message,
    ResourceManagerDetails,
    Role,
    RoleType,
    dump_message,
    parse_message,
)
from s2.versions import WireProfile
from tenants.scope import platform_scope
from tests.support import resources
from tests.support.clock import FixedClock
from tests.support.registry import Household, make_household

FRBC = ControlType.FILL_RATE_BASED_CONTROL

# Nobody renews it, and a busy machine may take its time over a test.
LEASE_S = 3600.0


@dataclass
class Sent:
    """Tasks that services asked for, instead of Celery."""

    reactions: list[tuple[UUID, UUID, float]] = field(default_factory=list)
    plans: list[tuple[UUID, UUID]] = field(default_factory=list)


@dataclass
class World:
    household: Household
    clock: FixedClock
    gateway: MemoryGatewayBus
    bus: MemoryWorkerBus
    sent: Sent
    tools: Tools
    run: Callable[..., object]
    token: int = 0

    @property
    def ids(self) -> tuple[UUID, UUID]:
        return self.household.tenant.pk, self.household.site.pk

    def connect(self) -> None:
        """The battery's session begins: its seat is taken and its details are known, no control type yet."""
        seat = SeatInfo(
            link_id=self.household.link.pk,
            tenant_id=self.household.tenant.pk,
            site_id=self.household.site.pk,
            node_id=self.household.rm_node.pk,
            name="battery",
            since=self.clock.now(),
        )
        self.token = asyncio.run(self.gateway.claim_seat(seat))
        self.fold(_details(), **{PROFILE_FIELD: WireProfile.V1_0_0.value})

    def offer(self, *control_types: ControlType) -> None:
        """The battery describes itself anew, with these control types."""
        self.fold(replace(_details(), available_control_types=control_types))

    def describe(
        self,
        *,
        level: float = 5000.0,
        power_w: float = 0.0,
        mode: str = "idle",
        abnormal_only: Container[str] = (),
        valid_from: datetime | None = None,
    ) -> None:
        """FRBC is active, and the battery of 10 kWh and 5 kW is in a mode (with all its power) at `level` Wh."""
        now = self.clock.now()
        battery = resources.actuator(
            [
                resources.mode(
                    name,
                    resources.element((0, 10_000), (0, power_w / 3600), (0, power_w)),
                    abnormal=name in abnormal_only,
                )
                for name, power_w in (("idle", 0), ("charge", 5000), ("discharge", -5000))
            ]
        )
        description, *statuses = resources.store_messages(
            battery, levels=(0, 10_000), level=level, active=[("actuator", mode, float(mode != "idle"))], now=now
        )
        assert isinstance(description, FRBCSystemDescription)
        self.fold(
            replace(description, valid_from=valid_from or now),
            *statuses,
            resources.measurement(power_w, now),
            **{CONTROL_TYPE_FIELD: FRBC.value},
        )

    def pay(self, *, import_eur_per_kwh: float, export_eur_per_kwh: float) -> None:
        """Follow a tariff that knows no hours."""
        tariff = create_tariff(
            tenant=self.household.tenant,
            name="flat",
            import_eur_per_kwh=[import_eur_per_kwh] * 24,
            export_eur_per_kwh=[export_eur_per_kwh] * 24,
        )
        set_objectives(site=self.household.site, tariff=tariff)

    def wish(self, **values: Any) -> LimitWish:
        """Of the grid operator, for the coming hour."""
        now = self.clock.now()
        times = {"starts_at": now, "ends_at": now + timedelta(hours=1)}
        return LimitWish(**{**times, "source": "Grid Ltd", "reason": "A cable is out.", **values})

    def fold(self, *messages: Message, **fields: str) -> None:
        batch = Batch()
        for name, text in fields.items():
            batch.fold(self.household.link.pk, self.token, name, text)
        for message in messages:
            field_name = snapshot_field(message)
            assert field_name is not None
            batch.fold(self.household.link.pk, self.token, field_name, dump_message(message, WireProfile.V1_0_0))
        asyncio.run(self.gateway.write(batch))

    def inbox(self) -> list[Message]:
        """What the gateway process would now send to devices."""
        envelopes: list[Envelope] = asyncio.run(self.gateway.read_inbox(1))
        return [parse_message(envelope.payload, WireProfile.V1_0_0) for envelope in envelopes]


def make_world(clock: FixedClock, on_commit: Callable[..., AbstractContextManager[object]]) -> World:
    """Needs the database. `on_commit` is pytest-django's `django_capture_on_commit_callbacks`."""
    store = MemoryStore()
    gateway, bus, sent = MemoryGatewayBus(store, lease_ttl_s=LEASE_S), MemoryWorkerBus(store), Sent()
    asyncio.run(gateway.register("gateway-1"))
    numbers = itertools.count(1)
    tools = Tools(
        bus=bus,
        clock=clock,
        new_id=lambda: str(UUID(int=next(numbers))),
        send_react=lambda *task: sent.reactions.append(task),
        send_plan=lambda *task: sent.plans.append(task),
    )

    def run(service: Callable[..., object], *args: object, **options: object) -> object:
        with on_commit(execute=True):
            return service(*args, tools=tools, **options)

    return World(make_household(), clock, gateway, bus, sent, tools, run)


def instructions() -> list[Instruction]:
    """All that were ever stored, oldest first."""
    with platform_scope("test"):
        return list(Instruction.objects.select_related("plan_run").order_by("issued_at"))


def plan_runs(kind: PlanRunKind) -> list[PlanRun]:
    """All that were ever stored, oldest first."""
    with platform_scope("test"):
        return list(PlanRun.objects.filter(kind=kind).order_by("at"))


def _details() -> ResourceManagerDetails:
    return ResourceManagerDetails(
        message_id="details-1",
        resource_id="battery",
        name="battery",
        roles=(Role(role=RoleType.ENERGY_STORAGE, commodity=Commodity.ELECTRICITY),),
        instruction_processing_delay=0,
        available_control_types=(FRBC,),
        provides_forecast=False,
        provides_power_measurement_types=(CommodityQuantity.ELECTRIC_POWER_L1,),
    )
