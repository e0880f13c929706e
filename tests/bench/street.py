"""Homes with a main meter and a battery each, on real sockets; when a battery is told something is noted.

A home's own load is what the bench says it is, and its meter reads that and the battery's power. The battery is that of
the load generator, and obeys at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import count
from time import monotonic
from typing import ClassVar
from uuid import UUID

from websockets.uri import parse_uri

from flexhub.clock import Clock
from flexhub.load.engine.mix import Kind
from flexhub.load.engine.players import BatteryRM, Player
from flexhub.load.engine.socket import Ended, Socket
from s2.events import Event, MessageReceived, Opened, ReceptionReceived
from s2.messages import (
    Commodity,
    CommodityQuantity,
    ControlType,
    EnergyManagementRole,
    FRBCInstruction,
    PowerMeasurement,
    PowerValue,
    ReceptionStatusValues,
    ResourceManagerDetails,
    Role,
    RoleType,
)
from tests.bench.buildings import Building

DEVICES = ("Main meter", "Battery")
_L1 = CommodityQuantity.ELECTRIC_POWER_L1
_ACK_TIMEOUT = timedelta(seconds=20)
_BATTERY_W = {"charge": 5_000.0, "idle": 0.0, "discharge": -5_000.0}
_connections = count(1)


class MeterRM(Player):
    """Measures and cannot be controlled."""

    role: ClassVar = EnergyManagementRole.RM

    def measure(self, power_w: float, now: datetime) -> None:
        value = PowerValue(commodity_quantity=_L1, value=round(power_w, 1))
        self._send(PowerMeasurement(message_id=self._new_id(), measurement_timestamp=now, values=(value,)), now)

    def report(self, kind: Kind, now: datetime) -> str | None:  # It measures when it is told to.
        return None

    def _handle(self, event: Event, now: datetime) -> None:
        match event:
            case Opened():
                self._send(_METER_DETAILS, now)
            case ReceptionReceived(subject=ResourceManagerDetails(), status=ReceptionStatusValues.OK):
                self.ready = True
            case _:
                pass


_METER_DETAILS = ResourceManagerDetails(
    message_id="details",
    resource_id="main-meter",
    name="Main meter",
    roles=(Role(role=RoleType.ENERGY_CONSUMER, commodity=Commodity.ELECTRICITY),),
    instruction_processing_delay=0,
    available_control_types=(ControlType.NOT_CONTROLABLE,),
    provides_forecast=False,
    provides_power_measurement_types=(_L1,),
)


class Wire:
    """One device and its socket. `heard` has what it was told last, and when that came, on the monotonic clock."""

    def __init__(self, url: str, node_id: UUID, token: str, player: type[Player], clock: Clock) -> None:
        prefix, numbers = f"{next(_connections):x}", count()
        self.player = player(
            lambda: f"{prefix}-{next(numbers):x}", ack_timeout=_ACK_TIMEOUT, handshake_timeout=_ACK_TIMEOUT
        )
        self.heard: tuple[FRBCInstruction, float] | None = None
        self.ended: Ended | None = None
        self.news = asyncio.Event()
        self._clock = clock
        self._socket = Socket(parse_uri(f"{url}/s2/v0/{node_id}"), token, self)

    async def open(self) -> None:
        await self._socket.dial(None)

    def flush(self) -> None:
        for text in self.player.session.data_to_send():
            self._socket.send(text)

    def tick(self) -> None:
        now = self._clock.now()
        self.player.tick(now)
        due = self.player.session.next_deadline()
        if due is not None and due <= now:
            self.player.session.tick(now)
        self.flush()

    def close(self) -> None:
        self._socket.abort()

    def socket_opened(self) -> None:
        self._take(self.player.session.start(self._clock.now()))

    def text_received(self, text: str) -> None:
        came_at = monotonic()
        events = self.player.session.receive_text(text, self._clock.now())
        for event in events:
            if isinstance(event, MessageReceived) and isinstance(event.message, FRBCInstruction):
                self.heard = (event.message, came_at)
                self.news.set()
        self._take(events)

    def bytes_received(self, data: bytes) -> None:
        self._take(self.player.session.receive_bytes(data, self._clock.now()))

    def socket_ended(self, ended: Ended) -> None:
        self.ended = ended

    def _take(self, events: list[Event]) -> None:
        self.player.handle(events, self._clock.now())
        self.flush()


class Home:
    """`own_w` is what it draws without its battery; below 0 it has more than it needs."""

    def __init__(self, building: Building, url: str, clock: Clock) -> None:
        self.building = building
        self.own_w = 0.0
        players = (MeterRM, BatteryRM)
        self.wires = [
            Wire(url, node_id, token, player, clock)
            for node_id, token, player in zip(building.nodes, building.tokens, players, strict=True)
        ]
        self._meter, self._battery = self.wires
        self._clock = clock

    @property
    def controlled(self) -> bool:
        """Whether the battery was told something under FRBC."""
        return self._battery.heard is not None

    @property
    def battery_w(self) -> float:
        if self._battery.heard is None:
            return 0.0
        told, _ = self._battery.heard
        return _BATTERY_W[told.operation_mode] * told.operation_mode_factor

    def measure(self) -> None:
        """The battery says what it does now, and then the meter what it reads."""
        self._battery.player.report(Kind.MEASUREMENT, self._clock.now())
        self._battery.flush()
        meter = self._meter.player
        assert isinstance(meter, MeterRM)
        meter.measure(self.own_w + self.battery_w, self._clock.now())
        self._meter.flush()

    def expect(self) -> None:
        """Forget what was heard of until now."""
        self._battery.news.clear()

    async def told_at(self, within_s: float) -> float | None:
        """When the next instruction came after `expect`, on the monotonic clock; None if none came in time."""
        try:
            async with asyncio.timeout(within_s):
                await self._battery.news.wait()
        except TimeoutError:
            return None
        assert self._battery.heard is not None
        return self._battery.heard[1]


async def connect(homes: Sequence[Home], per_s: float) -> None:
    """Open all sockets at this rate. Raises OSError."""
    for home in homes:
        for wire in home.wires:
            await wire.open()
            await asyncio.sleep(1 / per_s)


async def keep_ticking(homes: Sequence[Home], every_s: float = 1.0) -> None:
    """What sessions have to do without being spoken to; until cancelled."""
    wires = [wire for home in homes for wire in home.wires]
    while True:
        for place, wire in enumerate(wires):
            wire.tick()
            if place % 50 == 0:
                await asyncio.sleep(every_s * 50 / len(wires))
