"""A simulated home in memory: its physics, its Resource Managers, and an energy manager at the other end of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from flexhub.clock import Clock
from flexhub.demo.build import households
from flexhub.demo.config import HomeConfig
from flexhub.demo.household import Households
from flexhub.demo.resources import resources
from flexhub.demo.rm.conversation import Conversation
from flexhub.demo.rm.resource import Resource
from s2.events import MessageReceived
from s2.messages import (
    ControlType,
    EnergyManagementRole,
    InstructionStatus,
    InstructionStatusUpdate,
    Message,
    ResourceManagerDetails,
    SelectControlType,
)
from s2.session import Session

# Half past ten in the morning in Amsterdam, in summer time.
MORNING = datetime(2026, 4, 21, 8, 30, tzinfo=UTC)
NODE_ID = UUID("8a3e51d6-9f0e-4dc7-9a24-0e5a0b8f7c11")

PV_DEVICE = {"peak_w": 5000.0}
BATTERY_DEVICE = {"capacity_wh": 10_000.0, "max_charge_w": 5000.0, "max_discharge_w": 5000.0}
EV_DEVICE = {
    "capacity_wh": 50_000.0,
    "max_w": 7360.0,
    "departure_min": 16.5 * 60,
    "away_min": 120.0,
    "trip_wh": 12_000.0,
    "soc": 0.4,
}
HEAT_PUMP_DEVICE = {"electric_w": 2500.0, "litres": 500.0, "heat_loss_w_per_k": 180.0}
DISHWASHER_DEVICE = {"ready_min": 1170.0, "window_s": 36_000.0, "first_window_s": 4500.0}
EVERY_DEVICE: dict[str, dict[str, Any]] = {
    "METER": {},
    "PV": PV_DEVICE,
    "BATTERY": BATTERY_DEVICE,
    "EV_CHARGER": EV_DEVICE,
    "HEAT_PUMP": HEAT_PUMP_DEVICE,
    "DISHWASHER": DISHWASHER_DEVICE,
}

MessageT = TypeVar("MessageT", bound=Message)


def home_config(devices: dict[str, dict[str, Any]] = EVERY_DEVICE, **changes: Any) -> HomeConfig:
    """A home with these devices, by kind, and a tariff that is dear in the evening."""
    content = {
        "home": "Test home",
        "seed": 5,
        "weather_seed": 3,
        "ws_url": "ws://127.0.0.1:1/s2/v0",
        "clock": "system",
        "timezone": "Europe/Amsterdam",
        "devices": [
            {"kind": kind, "node_id": UUID(int=NODE_ID.int + number), "token": "secret", "parameters": parameters}
            for number, (kind, parameters) in enumerate(devices.items())
        ],
        "limits": {"fuse_limit_w": 8050, "export_limit_w": None},
        "tariff": {
            "import_eur_per_kwh": [0.40 if 17 <= hour < 21 else 0.20 for hour in range(24)],
            "export_eur_per_kwh": [0.05] * 24,
        },
        "report": Path("/nonexistent/report.json"),
    }
    return HomeConfig.model_validate(content | changes)


@dataclass
class Pair:
    """One device's conversation back to back with an energy manager's session; no socket, no waiting."""

    resource: Resource
    world: Households
    now: datetime
    rm: Conversation = field(init=False)
    cem: Session = field(init=False)
    heard: list[Message] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._ids: Iterator[int] = count(1)
        self.reconnect()

    def reconnect(self) -> None:
        timeout = timedelta(seconds=600)
        self.cem = Session(EnergyManagementRole.CEM, new_id=self.new_id, ack_timeout=timeout)
        self.rm = Conversation(self.resource, ack_timeout=timeout, retry_delays=())
        self.cem.start(self.now)
        self.rm.start(self.now)
        self.exchange()

    def new_id(self) -> str:
        return f"cem-{next(self._ids)}"

    def select(self, control_type: ControlType | None = None) -> None:
        chosen = control_type or self.heard_of(ResourceManagerDetails)[-1].available_control_types[0]
        self.say(SelectControlType(message_id=self.new_id(), control_type=chosen))

    def say(self, message: Message) -> None:
        """The energy manager says something; both sides then talk until nobody has anything to say."""
        self.cem.send(message, self.now)
        self.exchange()

    def wait(self, seconds: float, *, tick_s: float = 5.0) -> None:
        """Let simulated time pass, with the device ticking as it does in its home."""
        end = self.now + timedelta(seconds=seconds)
        while self.now < end:
            self.now = min(end, self.now + timedelta(seconds=tick_s))
            self.world.advance(self.now.timestamp())
            self.rm.tick(self.now)
            self.exchange()

    def exchange(self) -> None:
        talking = True
        while talking:
            texts, answers = self.rm.data_to_send(), self.cem.data_to_send()
            talking = bool(texts or answers)
            for text in texts:
                events = self.cem.receive_text(text, self.now)
                self.heard += [event.message for event in events if isinstance(event, MessageReceived)]
            for text in answers:
                self.rm.receive_text(text, self.now)
        self.world.look()

    def heard_of(self, message_class: type[MessageT]) -> list[MessageT]:
        return [message for message in self.heard if isinstance(message, message_class)]

    def statuses_of(self, instruction_id: str) -> list[InstructionStatus]:
        updates = self.heard_of(InstructionStatusUpdate)
        return [update.status_type for update in updates if update.instruction_id == instruction_id]


def pair(kind: str, now: datetime = MORNING, **parameters: Any) -> Pair:
    """A home with one device of this kind (and its household load), connected and greeted."""
    devices = {kind: EVERY_DEVICE[kind] | parameters}
    config = home_config(devices)
    world = households(config, now.timestamp())
    (resource,) = resources(config, world, Clock.system())
    return Pair(resource, world, now)
