"""What a load test plays: a battery's RM, and the CEM of a building. Sessions in, messages out; no socket, no clock.

The battery is so large that no test fills it, and obeys what it is told at once. Nothing that it says breaks a rule:
it is for measuring a hub, not for teasing one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from itertools import count
from typing import ClassVar, Final

from flexhub.load.engine.mix import Kind
from s2.errors import LocalProtocolError
from s2.events import ControlTypeSelected, Event, InstructionRevoked, MessageReceived, Opened, ReceptionReceived
from s2.messages import (
    Commodity,
    CommodityQuantity,
    ControlType,
    EnergyManagementRole,
    FRBCActuatorDescription,
    FRBCActuatorStatus,
    FRBCInstruction,
    FRBCOperationMode,
    FRBCOperationModeElement,
    FRBCStorageDescription,
    FRBCStorageStatus,
    FRBCSystemDescription,
    InstructionStatus,
    InstructionStatusUpdate,
    Message,
    NumberRange,
    PowerMeasurement,
    PowerRange,
    PowerValue,
    ReceptionStatusValues,
    ResourceManagerDetails,
    Role,
    RoleType,
    SelectControlType,
    SessionRequest,
    SessionRequestType,
    Transition,
)
from s2.session import Session

_FRBC: Final = ControlType.FILL_RATE_BASED_CONTROL
_L1: Final = CommodityQuantity.ELECTRIC_POWER_L1
_ACTUATOR: Final = "inverter"
_CAPACITY_KWH: Final = 100_000.0
_POWER_W: Final = 5_000.0
# Fill rates per second, at full power.
_RATES: Final = {"charge": _POWER_W / 3.6e6, "idle": 0.0, "discharge": -_POWER_W / 3.6e6}
_POWERS_W: Final = {"charge": _POWER_W, "idle": 0.0, "discharge": -_POWER_W}
# No two measurements of a battery in a row are alike: an unchanged value costs a hub less.
_RIPPLE_W: Final = 97


class Player:
    """One end of a connection. `ready` once it may send what the mix asks for."""

    role: ClassVar[EnergyManagementRole]

    def __init__(self, new_id: Callable[[], str], *, ack_timeout: timedelta, handshake_timeout: timedelta) -> None:
        self.session = Session(self.role, new_id=new_id, ack_timeout=ack_timeout, handshake_timeout=handshake_timeout)
        self.ready = False
        self.controlled = False
        self.instructions = 0
        self.told: SessionRequestType | None = None
        self._new_id = new_id

    def handle(self, events: Iterable[Event], now: datetime) -> None:
        """Do what the events ask for."""
        for event in events:
            if isinstance(event, MessageReceived) and isinstance(event.message, SessionRequest):
                self.told = event.message.request
            elif isinstance(event, ControlTypeSelected):
                self.controlled = True
            self._handle(event, now)

    def report(self, kind: Kind, now: datetime) -> str | None:
        """Queue the next message of this kind, or of another where this one may not be sent; returns its id.

        None where nothing can be sent: too many messages are on their way.
        """
        raise NotImplementedError

    def tick(self, now: datetime) -> None:
        """Do what has become due, beyond what the session does by itself."""

    def _handle(self, event: Event, now: datetime) -> None:
        raise NotImplementedError

    def _send(self, message: Message, now: datetime) -> bool:
        """Whether it could be sent. What it cannot say now, a device of a load test leaves unsaid."""
        try:
            self.session.send(message, now)
        except LocalProtocolError:
            return False
        return True


class BatteryRM(Player):
    """An RM under FRBC; until that is selected it only measures."""

    role = EnergyManagementRole.RM

    def __init__(self, new_id: Callable[[], str], *, ack_timeout: timedelta, handshake_timeout: timedelta) -> None:
        super().__init__(new_id, ack_timeout=ack_timeout, handshake_timeout=handshake_timeout)
        self._turns = count()
        self._level_kwh = _CAPACITY_KWH / 2
        self._mode, self._factor = "idle", 0.0
        self._waiting: list[FRBCInstruction] = []
        self._moved_at: datetime | None = None

    def report(self, kind: Kind, now: datetime) -> str | None:
        message: Message
        if kind is Kind.MEASUREMENT or self.session.control_type is not _FRBC:
            message = self._measurement(now)
        elif kind is Kind.STORAGE_STATUS:
            message = self._storage_status(now)
        else:
            message = self._actuator_status()
        return message.message_id if self._send(message, now) else None

    def tick(self, now: datetime) -> None:
        due = [each for each in self._waiting if each.execution_time <= now]
        self._waiting = [each for each in self._waiting if each.execution_time > now]
        for instruction in due:
            self._execute(instruction, now)

    def _handle(self, event: Event, now: datetime) -> None:
        match event:
            case Opened():
                self._send(self._details(), now)
            case ReceptionReceived(subject=ResourceManagerDetails(), status=ReceptionStatusValues.OK):
                self.ready = True
            case ControlTypeSelected(control_type=control_type):
                self._waiting.clear()
                if control_type is _FRBC:
                    self._publish(now)
            case MessageReceived(message=FRBCInstruction() as instruction):
                self._obey(instruction, now)
            case InstructionRevoked(entry=entry):
                self._waiting = [each for each in self._waiting if each.id != entry.id]
                self._update(entry.id, InstructionStatus.REVOKED, now)
            case _:
                pass

    # -- Instructions --------------------------------------------------------------------------------------------------

    def _obey(self, instruction: FRBCInstruction, now: datetime) -> None:
        self.instructions += 1
        # What was ordered last holds from its time on.
        for later in [each for each in self._waiting if each.execution_time >= instruction.execution_time]:
            self._waiting.remove(later)
            self._update(later.id, InstructionStatus.REVOKED, now)
        self._update(instruction.id, InstructionStatus.ACCEPTED, now)
        if instruction.execution_time > now:
            self._waiting.append(instruction)
        else:
            self._execute(instruction, now)

    def _execute(self, instruction: FRBCInstruction, now: datetime) -> None:
        self._move(now)
        before, self._mode = self._mode, instruction.operation_mode
        self._factor = instruction.operation_mode_factor
        self._update(instruction.id, InstructionStatus.STARTED, now)
        self._send(self._actuator_status(before, now), now)
        self._update(instruction.id, InstructionStatus.SUCCEEDED, now)

    def _update(self, instruction_id: str, status: InstructionStatus, now: datetime) -> None:
        update = InstructionStatusUpdate(
            message_id=self._new_id(), instruction_id=instruction_id, status_type=status, timestamp=now
        )
        self._send(update, now)

    # -- What it says --------------------------------------------------------------------------------------------------

    def _details(self) -> ResourceManagerDetails:
        return ResourceManagerDetails(
            message_id=self._new_id(),
            resource_id="load-test-battery",
            name="Battery of a load test",
            roles=(Role(role=RoleType.ENERGY_STORAGE, commodity=Commodity.ELECTRICITY),),
            instruction_processing_delay=0,
            available_control_types=(_FRBC,),
            provides_forecast=False,
            provides_power_measurement_types=(_L1,),
        )

    def _publish(self, now: datetime) -> None:
        self._moved_at = now
        description = FRBCSystemDescription(
            message_id=self._new_id(), valid_from=now, actuators=(_INVERTER,), storage=_STORAGE
        )
        for message in (description, self._actuator_status(), self._storage_status(now)):
            self._send(message, now)

    def _measurement(self, now: datetime) -> PowerMeasurement:
        power_w = _POWERS_W[self._mode] * self._factor + next(self._turns) % _RIPPLE_W
        value = PowerValue(commodity_quantity=_L1, value=round(power_w, 1))
        return PowerMeasurement(message_id=self._new_id(), measurement_timestamp=now, values=(value,))

    def _storage_status(self, now: datetime) -> FRBCStorageStatus:
        self._move(now)
        return FRBCStorageStatus(message_id=self._new_id(), present_fill_level=self._level_kwh)

    def _actuator_status(self, before: str | None = None, at: datetime | None = None) -> FRBCActuatorStatus:
        return FRBCActuatorStatus(
            message_id=self._new_id(),
            actuator_id=_ACTUATOR,
            active_operation_mode_id=self._mode,
            operation_mode_factor=self._factor,
            previous_operation_mode_id=before,
            transition_timestamp=at,
        )

    def _move(self, now: datetime) -> None:
        """Let the level follow the power since the last time."""
        if self._moved_at is not None:
            passed_s = (now - self._moved_at).total_seconds()
            self._level_kwh += _RATES[self._mode] * self._factor * passed_s
        self._moved_at = now


class BuildingCEM(Player):
    """A CEM that selects FRBC where it is offered, and listens. It has nothing of a mix to send."""

    role = EnergyManagementRole.CEM

    def report(self, kind: Kind, now: datetime) -> str | None:  # noqa: ARG002  # A CEM reports nothing.
        return None

    def _handle(self, event: Event, now: datetime) -> None:
        match event:
            case Opened():
                self.ready = True
            case MessageReceived(message=ResourceManagerDetails() as details):
                offered = details.available_control_types
                if _FRBC in offered:
                    self._send(SelectControlType(message_id=self._new_id(), control_type=_FRBC), now)
            case _:
                pass


PLAYERS: Final[dict[EnergyManagementRole, type[Player]]] = {each.role: each for each in (BatteryRM, BuildingCEM)}


def _mode(name: str) -> FRBCOperationMode:
    whole = NumberRange(start_of_range=0, end_of_range=_CAPACITY_KWH)
    power = PowerRange(start_of_range=0, end_of_range=_POWERS_W[name], commodity_quantity=_L1)
    element = FRBCOperationModeElement(
        fill_level_range=whole,
        fill_rate=NumberRange(start_of_range=0, end_of_range=_RATES[name]),
        power_ranges=(power,),
    )
    return FRBCOperationMode(id=name, elements=(element,), abnormal_condition_only=False)


def _transition(start: str, end: str) -> Transition:
    return Transition(
        id=f"{start}-{end}", from_=start, to=end, start_timers=(), blocking_timers=(), abnormal_condition_only=False
    )


# Every battery offers the same, so all share it.
_INVERTER: Final = FRBCActuatorDescription(
    id=_ACTUATOR,
    supported_commodities=(Commodity.ELECTRICITY,),
    operation_modes=tuple(_mode(name) for name in _RATES),
    transitions=tuple(_transition(start, end) for start in _RATES for end in _RATES if start != end),
    timers=(),
)
_STORAGE: Final = FRBCStorageDescription(
    provides_leakage_behaviour=False,
    provides_fill_level_target_profile=False,
    provides_usage_forecast=False,
    fill_level_range=NumberRange(start_of_range=0, end_of_range=_CAPACITY_KWH),
)
