"""Pools of households whose batteries are connected to the in-memory bus."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

from cem_service.runtime import Tools
from flexhub.bus import Batch, SeatInfo
from flexhub.bus.memory import MemoryGatewayBus, MemoryWorkerBus
from flexhub.bus.memory_store import MemoryStore
from flexhub.bus.snapshot import CONTROL_TYPE_FIELD, PROFILE_FIELD, snapshot_field
from flexhub.flexibility.models import Pool
from flexhub.flexibility.services import create_pool, enrol_site
from s2.messages import (
    Commodity,
    CommodityQuantity,
    ControlType,
    Message,
    ResourceManagerDetails,
    Role,
    RoleType,
    dump_message,
)
from s2.versions import WireProfile
from tenants.models import Tenant
from tests.support import resources
from tests.support.clock import FixedClock
from tests.support.programs import make_program
from tests.support.registry import Household, make_household, make_tenant

FRBC = ControlType.FILL_RATE_BASED_CONTROL


@dataclass
class Buses:
    """One in-memory bus, with the gateway that seats the devices."""

    clock: FixedClock
    gateway: MemoryGatewayBus
    worker: MemoryWorkerBus
    tokens: dict[object, int] = field(default_factory=dict)

    @classmethod
    def open(cls, clock: FixedClock) -> Buses:
        store = MemoryStore()
        buses = cls(clock, MemoryGatewayBus(store), MemoryWorkerBus(store))
        asyncio.run(buses.gateway.register("gateway-1"))
        return buses

    def tools(self) -> Tools:
        return Tools(
            bus=self.worker,
            clock=self.clock,
            new_id=resources.new_id,
            send_react=lambda *_: None,
            send_plan=lambda *_: None,
        )

    def connect_battery(self, household: Household, *, level: float = 5000.0, power_w: float = 0.0) -> None:
        """A battery of 10 kWh and 5 kW without losses, idle at `level` Wh, measuring `power_w`."""
        now = self.clock.now()
        battery = resources.actuator(
            [
                resources.mode("idle", resources.element((0, 10_000), (0, 0), (0, 0))),
                resources.mode("charge", resources.element((0, 10_000), (0, 5000 / 3600), (0, 5000))),
                resources.mode("discharge", resources.element((0, 10_000), (0, -5000 / 3600), (0, -5000))),
            ]
        )
        messages = resources.store_messages(
            battery, levels=(0, 10_000), level=level, active=[("actuator", "idle", 0.0)], now=now
        )
        self.connect(household, [*messages, resources.measurement(power_w, now)])

    def connect(self, household: Household, messages: Iterable[Message], control_type: ControlType = FRBC) -> None:
        seat = SeatInfo(
            link_id=household.link.pk,
            tenant_id=household.tenant.pk,
            site_id=household.site.pk,
            node_id=household.rm_node.pk,
            name="device",
            since=self.clock.now(),
        )
        token = asyncio.run(self.gateway.claim_seat(seat))
        self.tokens[household.link.pk] = token
        batch = Batch()
        batch.fold(seat.link_id, token, PROFILE_FIELD, WireProfile.V1_0_0.value)
        batch.fold(seat.link_id, token, CONTROL_TYPE_FIELD, control_type.value)
        for message in (_details(control_type), *messages):
            name = snapshot_field(message)
            assert name is not None
            batch.fold(seat.link_id, token, name, dump_message(message, WireProfile.V1_0_0))
        asyncio.run(self.gateway.write(batch))

    def disconnect(self, household: Household) -> None:
        asyncio.run(self.gateway.release_seat(household.link.pk, self.tokens[household.link.pk]))


def make_aggregator(name: str = "Alder Aggregation") -> tuple[Tenant, str]:
    """An aggregator and an access token of its program."""
    tenant = make_tenant(name, Tenant.Kind.AGGREGATOR)
    return tenant, make_program(tenant).access_token()


def make_pool(tenant: Tenant, households: Iterable[Household] = (), name: str = "Street") -> Pool:
    pool = create_pool(tenant=tenant, name=name)
    for household in households:
        enrol_site(pool=pool, site=household.site)
    return pool


def make_street(count: int, name: str = "Alder") -> list[Household]:
    return [make_household(f"{name} {number}") for number in range(count)]


def _details(control_type: ControlType) -> ResourceManagerDetails:
    return ResourceManagerDetails(
        message_id="details-1",
        resource_id="device",
        name="device",
        roles=(Role(role=RoleType.ENERGY_STORAGE, commodity=Commodity.ELECTRICITY),),
        instruction_processing_delay=0,
        available_control_types=(control_type,),
        provides_forecast=False,
        provides_power_measurement_types=(CommodityQuantity.ELECTRIC_POWER_L1,),
    )
