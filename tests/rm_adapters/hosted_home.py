"""A hosted RM and a CEM back to back in simulated time: the simulated vendor below, two S2 sessions above.

The shell in here is what a task would be: it keeps the state as JSON between any two calls, sends what it is told to
send, runs the adapter, and calls again when it was asked to.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from rm_adapters.resource import HostedResource, Outcome
from rm_adapters.sdk import Adapter, AdapterError, Command, Device, Preferences
from rm_adapters.vendors.simulator.adapter import Simulator
from rm_adapters.vendors.simulator.cloud import Fault, SimulatedCloud
from s2.events import (
    CloseRequested,
    ControlTypeSelected,
    Event,
    InstructionRevoked,
    MessageReceived,
    MessageRefused,
    Opened,
    ReceptionReceived,
)
from s2.findings import Finding, Severity
from s2.messages import (
    CommodityQuantity,
    ControlType,
    EnergyManagementRole,
    Instruction,
    InstructionStatus,
    InstructionStatusUpdate,
    Message,
    PowerMeasurement,
    ReceptionStatusValues,
    RevokableObjects,
    RevokeObject,
    SelectControlType,
)
from s2.rules.instructions import INSTRUCTIONS
from s2.session import Session
from s2.versions import WireProfile

MORNING = datetime(2026, 3, 10, 8, 0, tzinfo=UTC)

CONTROL_TYPES = {
    "battery": ControlType.FILL_RATE_BASED_CONTROL,
    "roof": ControlType.POWER_ENVELOPE_BASED_CONTROL,
    "washer": ControlType.POWER_PROFILE_BASED_CONTROL,
    "heater": ControlType.OPERATION_MODE_BASED_CONTROL,
    "hybrid": ControlType.DEMAND_DRIVEN_BASED_CONTROL,
}

#: What each device says after it was selected, the description before all that is about it.
MENUS = {
    "battery": [
        "FRBC.SystemDescription",
        "FRBC.ActuatorStatus",
        "FRBC.StorageStatus",
        "FRBC.TimerStatus",
    ],
    "roof": ["PEBC.PowerConstraints", "PowerForecast"],
    "washer": ["PPBC.PowerProfileDefinition", "PPBC.PowerProfileStatus"],
    "heater": ["OMBC.SystemDescription", "OMBC.Status", "OMBC.TimerStatus", "OMBC.TimerStatus"],
    "hybrid": [
        "DDBC.SystemDescription",
        "DDBC.ActuatorStatus",
        "DDBC.ActuatorStatus",
        "DDBC.PresentDemandStatus",
        "DDBC.TimerStatus",
        "DDBC.TimerStatus",
    ],
}

_numbers = itertools.count(1)
_Message = TypeVar("_Message")


def new_id() -> str:
    return f"id-{next(_numbers)}"


def devices(cloud: SimulatedCloud) -> dict[str, Device]:
    async def found() -> dict[str, Device]:
        return {device.key: device async for device in Simulator().discover(cloud)}

    return asyncio.run(found())


@dataclass
class Home:
    """One device of the given kind. `crashes` many of the next commands are lost together with their worker."""

    kind: str
    profile: WireProfile = WireProfile.V1_0_0
    preferences: Preferences = field(default_factory=Preferences)
    now: datetime = MORNING
    crashes: int = 0
    rm: Session | None = None
    cem_events: list[Event] = field(default_factory=list)
    rm_events: list[Event] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    executed: list[tuple[str | None, Command]] = field(default_factory=list)
    readings: int = 0
    warnings: list[Finding] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.adapter: Adapter[SimulatedCloud] = Simulator()
        self.manifest = Simulator.manifest()
        self.cloud = SimulatedCloud.street(lambda: self.now)
        self.device = devices(self.cloud)[self.kind]
        self.state: str | None = None
        self.due_at: datetime | None = None
        self.read_at: datetime | None = None
        self.connect()

    # The CEM's side.

    def connect(self) -> None:
        """A new session; nothing survives of the one before."""
        make = {"new_id": new_id, "agreed": self.profile}
        self.cem = Session(EnergyManagementRole.CEM, **make)  # type: ignore[arg-type]
        self.rm = Session(EnergyManagementRole.RM, **make)  # type: ignore[arg-type]
        self.cem_events += self.cem.start(self.now)
        for event in self.rm.start(self.now):
            if isinstance(event, Opened):
                self.do(self.resource().opened(self.now, event.profile))
        self.run_due()

    def disconnect(self) -> None:
        self.rm = None
        self.do(self.resource().closed(self.now))
        self.run_due()

    def select(self, control_type: ControlType | None = None) -> Home:
        self.say(SelectControlType(message_id=new_id(), control_type=control_type or CONTROL_TYPES[self.kind]))
        return self

    def instruct(self, instruction: Instruction) -> str:
        self.say(instruction)
        return instruction.id

    def revoke(self, instruction: Instruction) -> None:
        object_type = RevokableObjects(instruction.message_type)
        self.say(RevokeObject(message_id=new_id(), object_type=object_type, object_id=instruction.id))

    def say(self, message: Message) -> None:
        self.cem.send(message, self.now)
        self.deliver()
        self.run_due()

    # The way between the two.

    def deliver(self) -> None:
        while self.rm is not None:
            to_rm, to_cem = self.cem.data_to_send(), self.rm.data_to_send()
            if not to_rm and not to_cem:
                return
            for each in to_cem:
                self.cem_events += self.cem.receive_text(each, self.now)
            for each in to_rm:
                events = self.rm.receive_text(each, self.now)
                self.rm_events += events
                for event in events:
                    self.hear(event)

    def hear(self, event: Event) -> None:
        resource = self.resource()
        match event:
            case ControlTypeSelected():
                self.do(resource.selected(event.control_type, self.now), resource)
            case MessageReceived(message=message) if isinstance(message, INSTRUCTIONS):
                self.do(resource.instructed(message, self.now), resource)
            case InstructionRevoked(entry=entry):
                object_type = RevokableObjects(entry.instruction.message_type)
                self.do(resource.revoked(object_type, entry.id, self.now), resource)

    # The shell.

    def resource(self) -> HostedResource:
        """Each call is made by another worker, which knows nothing but the row."""
        self._loaded = HostedResource(
            self.adapter,
            self.manifest,
            self.device,
            preferences=self.preferences,
            state=None if self.state is None else json.loads(self.state),
            new_id=new_id,
        )
        return self._loaded

    def do(self, outcome: Outcome, resource: HostedResource | None = None) -> None:
        self.state = json.dumps((resource or self._loaded).dump())
        self.outcomes.append(outcome)
        self.due_at, self.read_at = outcome.due_at, outcome.read_at
        for message in outcome.messages:
            assert self.rm is not None, f"{message} has nobody to go to"
            self.warnings += self.rm.send(message, self.now)
        self.deliver()
        for command in outcome.commands:
            self.execute(command)

    def execute(self, command: Command) -> None:
        order_id = self.row["write"]["order_id"]
        if self.crashes:
            self.crashes -= 1
            return
        before = len(self.cloud.written)
        try:
            ack = asyncio.run(self.adapter.execute(self.cloud, self.device, command))
            result: Any = ack
        except AdapterError as error:
            result = error
        if len(self.cloud.written) > before:
            self.executed.append((order_id, command))
        resource = self.resource()
        if isinstance(result, AdapterError):
            self.do(resource.failed(result, self.now), resource)
        else:
            self.do(resource.acknowledged(result, self.now), resource)

    def read(self) -> None:
        self.readings += 1
        try:
            snapshot = asyncio.run(self.adapter.read(self.cloud, self.device))
        except AdapterError as error:
            resource = self.resource()
            self.do(resource.failed(error, self.now), resource)
            return
        resource = self.resource()
        self.do(resource.read(snapshot, self.now), resource)

    def run_due(self) -> None:
        """Do what was asked for by now."""
        for _ in range(100):
            if self.read_at is not None and self.read_at <= self.now:
                self.read()
            elif self.due_at is not None and self.due_at <= self.now:
                resource = self.resource()
                self.do(resource.due(self.now), resource)
            else:
                return
        raise AssertionError("there is always something to do at once")

    def wait(self, **span: float) -> Home:
        """Let time pass, from one moment that was asked for to the next."""
        end = self.now + timedelta(**span)
        while True:
            moments = [each for each in (self.due_at, self.read_at) if each is not None]
            moments += [each for session in (self.cem, self.rm) if session and (each := session.next_deadline())]
            following = min(moments, default=None)
            if following is None or following > end:
                self.now = end
                return self
            self.now = max(self.now, following)
            self.run_due()
            self.cem_events += self.cem.tick(self.now)
            if self.rm is not None:
                self.rm_events += self.rm.tick(self.now)
            self.deliver()

    def order(self, *faults: Fault) -> Home:
        self.cloud.order(faults)
        return self

    # What can be asked afterwards.

    @property
    def row(self) -> dict[str, Any]:
        assert self.state is not None
        document: dict[str, Any] = json.loads(self.state)
        return document

    @property
    def machine(self) -> Any:
        self.cloud.state(self.kind)
        return self.cloud.machines[self.kind]

    def heard(self, kind: type[_Message]) -> list[_Message]:
        """What the CEM has accepted, oldest first."""
        return [
            event.message
            for event in self.cem_events
            if isinstance(event, MessageReceived) and isinstance(event.message, kind)
        ]

    def heard_types(self) -> list[str]:
        return [event.message.message_type for event in self.cem_events if isinstance(event, MessageReceived)]

    def course(self, instruction_id: str) -> list[InstructionStatus]:
        """What was reported of an instruction, in order."""
        updates = self.heard(InstructionStatusUpdate)
        return [each.status_type for each in updates if each.instruction_id == instruction_id]

    def reasons(self) -> list[str]:
        return [refusal.reason.value for outcome in self.outcomes for _, refusal in outcome.refusals]

    def check(self, *, allowed: Iterable[str] = ()) -> None:
        """Neither side has found an error, and no warning but the allowed ones; nothing was executed twice."""
        events = self.cem_events + self.rm_events
        refused = [event for event in events if isinstance(event, MessageRefused)]
        assert refused == []
        receptions = [event for event in events if isinstance(event, ReceptionReceived)]
        assert all(event.status is ReceptionStatusValues.OK for event in receptions)
        assert not [event for event in events if isinstance(event, CloseRequested) and event.code != 1000]
        findings = [f for event in events if isinstance(event, MessageReceived) for f in event.findings]
        assert not [finding for finding in findings if finding.severity is Severity.ERROR]
        unexpected = [str(each) for each in [*findings, *self.warnings] if each.rule not in set(allowed)]
        assert unexpected == []
        self.check_writes()

    def check_writes(self) -> None:
        for_orders = [(order_id, str(command)) for order_id, command in self.executed if order_id is not None]
        assert len(for_orders) == len(set(for_orders)), "written twice"


def energy_wh(home: Home, quantity: CommodityQuantity = CommodityQuantity.ELECTRIC_POWER_L1) -> float:
    """The energy that the published measurements tell of: each holds until the next one."""
    points = [
        (each.measurement_timestamp, value.value)
        for each in home.heard(PowerMeasurement)
        for value in each.values
        if value.commodity_quantity is quantity
    ]
    ends = [moment for moment, _ in points[1:]] + [home.now]
    return sum((end - moment) / timedelta(hours=1) * value for (moment, value), end in zip(points, ends, strict=True))
