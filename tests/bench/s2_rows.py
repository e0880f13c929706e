"""What the protocol core costs: CPU for each kind of message against a bare parser, memory for each session.

The baseline is s2-python, which only parses: no state, no rules, no answer. Both sides read the same texts, by turns,
in one process. Every text is new, so that none is answered from the memory of repetitions, and the session has been
running for a while: its memories are full, and instructions are open.
"""

from __future__ import annotations

import gc
import statistics
import time
import tracemalloc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from uuid import uuid4

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
    FRBCSystemDescription,
    InstructionStatus,
    InstructionStatusUpdate,
    Message,
    NumberRange,
    PowerForecast,
    PowerForecastElement,
    PowerForecastValue,
    PowerMeasurement,
    PowerRange,
    PowerValue,
    ResourceManagerDetails,
    Role,
    RoleType,
    SelectControlType,
    Timer,
    Transition,
    dump_message,
)
from s2.receptions import reception_text
from s2.session import Session
from s2.versions import WireProfile
from tests.bench.rows import Row

ROUNDS = 15
SESSIONS = 300
OPEN_INSTRUCTIONS = 20

#: A session recognises the last 256 messages; after more than that its memories are as full as they get.
WARM_UP = 300

_PROFILE = WireProfile.V1_0_0
_START = datetime(2026, 11, 23, 12, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_L1 = CommodityQuantity.ELECTRIC_POWER_L1


def new_id() -> str:
    """s2-python wants UUIDs."""
    return str(uuid4())


@dataclass(slots=True)
class Device:
    """The CEM's end of a session with one battery, and what that battery can say. Each message is a second later."""

    session: Session
    description: FRBCSystemDescription
    now: datetime

    @property
    def actuator(self) -> FRBCActuatorDescription:
        return self.description.actuators[0]

    def hear(self, text: str) -> list[str]:
        """Receive a text as a shell does, answers included."""
        self.now += _SECOND
        self.session.receive_text(text, self.now)
        return self.session.data_to_send()

    def say(self, message: Message) -> None:
        self.session.send(message, self.now)
        self.hear(reception_text(getattr(message, "message_id", "")))


def battery() -> Device:
    """A battery under control, described, with instructions for the next hours that it has accepted."""
    session = Session(EnergyManagementRole.CEM, new_id=new_id, agreed=_PROFILE)
    device = Device(session, _description(), _START)
    session.start(device.now)
    device.hear(_wire(_details()))
    device.say(SelectControlType(message_id=new_id(), control_type=ControlType.FILL_RATE_BASED_CONTROL))
    device.hear(_wire(device.description))
    device.hear(_wire(_status(device, 0)))
    for number in range(OPEN_INSTRUCTIONS):
        instruction = _instruction(device, number)
        device.say(instruction)
        device.hear(_wire(_acceptance(device, instruction)))
    assert len(session.ledger.open_entries()) == OPEN_INSTRUCTIONS
    return device


def cpu(name: str, make: Callable[[Device, int], Message], messages: int, target: float) -> Row:
    """CPU for one received message: parsed, folded into the state, judged, and its acknowledgement taken."""
    from s2python.s2_parser import S2Parser  # Slow to load, and needed here only.

    device, numbers = battery(), count(1)
    for _ in range(WARM_UP):
        assert '"status":"OK"' in device.hear(_wire(make(device, next(numbers))))[0]
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(ROUNDS):
        texts = [_wire(make(replace(device, now=device.now + n * _SECOND), next(numbers))) for n in range(messages)]
        ours.append(_cost_us(device.hear, texts))
        theirs.append(_cost_us(S2Parser.parse_as_any_message, texts))
    return Row(name, statistics.median(ours), "us/message", target, baseline=statistics.median(theirs))


def memory() -> Row:
    """What one session with a description and open instructions holds, all its own texts included."""
    battery()
    gc.collect()
    tracemalloc.start()
    sessions = [battery().session for _ in range(SESSIONS)]
    gc.collect()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return Row("s2-session-memory", held / len(sessions) / 1024, "KB/session", target=40.0)


def _cost_us(read: Callable[[str], object], texts: Sequence[str]) -> float:
    gc.collect()
    before = time.process_time()
    for text in texts:
        read(text)
    return (time.process_time() - before) / len(texts) * 1e6


def _wire(message: Message) -> str:
    return dump_message(message, _PROFILE)


def _details() -> ResourceManagerDetails:
    return ResourceManagerDetails(
        message_id=new_id(),
        resource_id=new_id(),
        name="Battery in the shed",
        roles=(Role(role=RoleType.ENERGY_STORAGE, commodity=Commodity.ELECTRICITY),),
        manufacturer="Alder",
        instruction_processing_delay=1000,
        available_control_types=(ControlType.FILL_RATE_BASED_CONTROL, ControlType.NOT_CONTROLABLE),
        provides_forecast=True,
        provides_power_measurement_types=(_L1,),
    )


def _description() -> FRBCSystemDescription:
    """Three modes, a transition between any two of them, and a timer for each direction of the inverter."""
    # Upwards throughout: s2-python refuses the ranges that run downwards.
    modes = (_mode("idle", 0, 0), _mode("charge", 0, 5000), _mode("discharge", -5000, 0))
    timers = tuple(
        Timer(id=new_id(), diagnostic_label=f"rest after {each.diagnostic_label}", duration=60_000)
        for each in modes[1:]
    )
    transitions = tuple(
        Transition(
            id=new_id(),
            from_=start.id,
            to=end.id,
            start_timers=(timers[modes.index(start) - 1].id,) if start is not modes[0] else (),
            blocking_timers=(),
            transition_duration=500,
            abnormal_condition_only=False,
        )
        for start in modes
        for end in modes
        if start is not end
    )
    return FRBCSystemDescription(
        message_id=new_id(),
        valid_from=_START,
        actuators=(
            FRBCActuatorDescription(
                id=new_id(),
                diagnostic_label="inverter",
                supported_commodities=(Commodity.ELECTRICITY,),
                operation_modes=modes,
                transitions=transitions,
                timers=timers,
            ),
        ),
        storage=FRBCStorageDescription(
            fill_level_label="kWh",
            provides_leakage_behaviour=False,
            provides_fill_level_target_profile=False,
            provides_usage_forecast=False,
            fill_level_range=NumberRange(start_of_range=0, end_of_range=10),
        ),
    )


def _mode(label: str, least_w: float, most_w: float) -> FRBCOperationMode:
    """The whole range of fill levels, the last tenth of it at half the power."""
    return FRBCOperationMode(
        id=new_id(),
        diagnostic_label=label,
        elements=tuple(
            FRBCOperationModeElement(
                fill_level_range=NumberRange(start_of_range=start, end_of_range=end),
                fill_rate=NumberRange(start_of_range=least_w * share / 3.6e6, end_of_range=most_w * share / 3.6e6),
                power_ranges=(
                    PowerRange(start_of_range=least_w * share, end_of_range=most_w * share, commodity_quantity=_L1),
                ),
            )
            for start, end, share in ((0, 9, 1.0), (9, 10, 0.5))
        ),
        abnormal_condition_only=False,
    )


def _instruction(device: Device, number: int) -> FRBCInstruction:
    return FRBCInstruction(
        message_id=new_id(),
        id=new_id(),
        actuator_id=device.actuator.id,
        operation_mode=device.actuator.operation_modes[number % 2].id,
        operation_mode_factor=number / OPEN_INSTRUCTIONS,
        execution_time=_START + timedelta(hours=24, minutes=15 * number),
        abnormal_condition=False,
    )


def _acceptance(device: Device, instruction: FRBCInstruction) -> InstructionStatusUpdate:
    return InstructionStatusUpdate(
        message_id=new_id(),
        instruction_id=instruction.id,
        status_type=InstructionStatus.ACCEPTED,
        timestamp=device.now + _SECOND,
    )


def _measurement(device: Device, number: int) -> PowerMeasurement:
    return PowerMeasurement(
        message_id=new_id(),
        measurement_timestamp=device.now,
        values=(PowerValue(commodity_quantity=_L1, value=1000.0 + number % 997 / 10),),
    )


def _status(device: Device, number: int) -> FRBCActuatorStatus:
    """Charging since the beginning, with ever another factor; where it came from is told each time."""
    idle, charge, _ = device.actuator.operation_modes
    return FRBCActuatorStatus(
        message_id=new_id(),
        actuator_id=device.actuator.id,
        active_operation_mode_id=charge.id,
        operation_mode_factor=number % 100 / 100,
        previous_operation_mode_id=idle.id,
        transition_timestamp=_START,
    )


def _described(device: Device, _: int) -> FRBCSystemDescription:
    return replace(device.description, message_id=new_id(), valid_from=device.now)


def _forecast(device: Device, number: int) -> PowerForecast:
    """A day in quarters of an hour, with the band that the value stays in at 95 %."""
    return PowerForecast(
        message_id=new_id(),
        start_time=device.now,
        elements=tuple(
            PowerForecastElement(
                duration=900_000,
                power_values=(
                    PowerForecastValue(
                        value_upper_95PPR=500.0 + quarter,
                        value_expected=100.0 + quarter + number % 100,
                        value_lower_95PPR=-500.0 + quarter,
                        commodity_quantity=_L1,
                    ),
                ),
            )
            for quarter in range(96)
        ),
    )


ROWS: Mapping[str, Callable[[], Row]] = {
    "s2-measurement": partial(cpu, "s2-measurement", _measurement, 1000, 4.0),
    "s2-actuator-status": partial(cpu, "s2-actuator-status", _status, 1000, 4.0),
    "s2-system-description": partial(cpu, "s2-system-description", _described, 100, 1.5),
    "s2-forecast": partial(cpu, "s2-forecast", _forecast, 50, 1.0),
    "s2-session-memory": memory,
}
