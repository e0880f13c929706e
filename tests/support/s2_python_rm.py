"""s2-python, unmodified, as an RM: a peer whose authors never saw our code.

One device for each control type in which the package can hold a conversation. Whatever one of them sends has to be
answered OK; any other answer ends the package's connection, and the peer is not `alive` any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from s2python import common, frbc, ombc, pebc, ppbc
from s2python.connection import AssetDetails
from s2python.connection.async_ import S2AsyncConnection
from s2python.connection.async_.control_type.class_based import (
    FRBCControlType,
    OMBCControlType,
    PEBCControlType,
    PPBCControlType,
    ResourceManagerHandler,
    S2ControlType,
)
from s2python.connection.async_.medium.websocket import WebsocketClientMedium

L1 = common.CommodityQuantity.ELECTRIC_POWER_L1
Status = common.InstructionStatus


class Obedient:
    """Describes itself when it is selected; does each instruction at once, and tells the steps and the effect."""

    def __init__(self) -> None:
        self.instructions: list[Any] = []

    def menu(self) -> list[Any]:
        """What the device publishes after the selection."""
        raise NotImplementedError

    def effect_of(self, instruction: Any) -> list[Any]:
        """What the device reports because it obeyed."""
        raise NotImplementedError

    def power_w(self) -> float:
        raise NotImplementedError

    async def activate(self, connection: S2AsyncConnection) -> None:
        await _tell(connection, [*self.menu(), measurement(self.power_w())])

    async def deactivate(self, connection: S2AsyncConnection) -> None:
        pass

    async def handle_instruction(self, connection: S2AsyncConnection, msg: Any, send_okay: Any) -> None:
        await send_okay()
        self.instructions.append(msg)
        await _tell(connection, [_update(msg, Status.ACCEPTED), _update(msg, Status.STARTED), *self.effect_of(msg)])
        await _tell(connection, [_update(msg, Status.SUCCEEDED), measurement(self.power_w())])


class Battery(Obedient, FRBCControlType):
    """10 kWh in percent, 5 kW to charge, on or off."""

    ACTUATOR, CHARGE, IDLE = uuid4(), uuid4(), uuid4()

    def __init__(self) -> None:
        super().__init__()
        self.mode, self.factor = self.IDLE, 0.0

    def menu(self) -> list[Any]:
        status = frbc.FRBCActuatorStatus(
            message_id=uuid4(),
            actuator_id=self.ACTUATOR,
            active_operation_mode_id=self.mode,
            operation_mode_factor=self.factor,
        )
        return [self._description(), status, frbc.FRBCStorageStatus(message_id=uuid4(), present_fill_level=40.0)]

    def effect_of(self, instruction: Any) -> list[Any]:
        previous, self.mode = self.mode, instruction.operation_mode
        self.factor = instruction.operation_mode_factor
        return [
            frbc.FRBCActuatorStatus(
                message_id=uuid4(),
                actuator_id=self.ACTUATOR,
                active_operation_mode_id=self.mode,
                operation_mode_factor=self.factor,
                previous_operation_mode_id=previous,
                transition_timestamp=datetime.now(UTC),
            )
        ]

    def power_w(self) -> float:
        return 5000.0 * self.factor if self.mode == self.CHARGE else 0.0

    def _description(self) -> Any:
        actuator = frbc.FRBCActuatorDescription(
            id=self.ACTUATOR,
            supported_commodities=[common.Commodity.ELECTRICITY],
            operation_modes=[
                self._mode(self.IDLE, "idle", 0.0, 0.0),
                self._mode(self.CHARGE, "charge", 1 / 72, 5000.0),
            ],
            transitions=_both_ways(self.IDLE, self.CHARGE),
            timers=[],
        )
        return frbc.FRBCSystemDescription(
            message_id=uuid4(),
            valid_from=datetime.now(UTC) - timedelta(minutes=1),
            actuators=[actuator],
            storage=frbc.FRBCStorageDescription(
                provides_leakage_behaviour=False,
                provides_fill_level_target_profile=False,
                provides_usage_forecast=False,
                fill_level_range=common.NumberRange(start_of_range=0.0, end_of_range=100.0),
            ),
        )

    def _mode(self, mode_id: UUID, label: str, rate: float, power_w: float) -> Any:
        element = frbc.FRBCOperationModeElement(
            fill_level_range=common.NumberRange(start_of_range=0.0, end_of_range=100.0),
            fill_rate=common.NumberRange(start_of_range=0.0, end_of_range=rate),
            power_ranges=[_up_to(power_w)],
        )
        return frbc.FRBCOperationMode(
            id=mode_id, diagnostic_label=label, elements=[element], abnormal_condition_only=False
        )


class Roof(Obedient, PEBCControlType):
    """Solar panels of 6 kW that produce 2.5 kW and can be curtailed."""

    CONSTRAINTS = uuid4()

    def __init__(self) -> None:
        super().__init__()
        self.lower_limit_w = -6000.0

    def menu(self) -> list[Any]:
        limits = pebc.PEBCPowerEnvelopeLimitType
        constraints = pebc.PEBCPowerConstraints(
            message_id=uuid4(),
            id=self.CONSTRAINTS,
            valid_from=datetime.now(UTC) - timedelta(minutes=1),
            consequence_type=pebc.PEBCPowerEnvelopeConsequenceType.VANISH,
            allowed_limit_ranges=[
                pebc.PEBCAllowedLimitRange(
                    commodity_quantity=L1,
                    limit_type=kind,
                    range_boundary=common.NumberRange(start_of_range=start, end_of_range=0.0),
                    abnormal_condition_only=False,
                )
                for kind, start in ((limits.LOWER_LIMIT, -6000.0), (limits.UPPER_LIMIT, 0.0))
            ],
        )
        return [constraints]

    def effect_of(self, instruction: Any) -> list[Any]:
        self.lower_limit_w = instruction.power_envelopes[0].power_envelope_elements[0].lower_limit
        return []

    def power_w(self) -> float:
        return max(-2500.0, self.lower_limit_w)


class Boiler(Obedient, OMBCControlType):
    """A heating element of 2 kW, on or off, that stays on for at least ten minutes."""

    OFF, ON, MINIMUM_ON = uuid4(), uuid4(), uuid4()

    def __init__(self) -> None:
        super().__init__()
        self.mode = self.OFF

    def menu(self) -> list[Any]:
        modes = [
            ombc.OMBCOperationMode(id=mode_id, power_ranges=[_always(power_w)], abnormal_condition_only=False)
            for mode_id, power_w in ((self.OFF, 0.0), (self.ON, 2000.0))
        ]
        description = ombc.OMBCSystemDescription(
            message_id=uuid4(),
            valid_from=datetime.now(UTC) - timedelta(minutes=1),
            operation_modes=modes,
            transitions=_both_ways(self.OFF, self.ON, self.MINIMUM_ON),
            timers=[common.Timer(id=self.MINIMUM_ON, duration=common.Duration.from_milliseconds(600_000))],
        )
        return [description, self._status(), self._timer(datetime.now(UTC) - timedelta(hours=1))]

    def effect_of(self, instruction: Any) -> list[Any]:
        previous, self.mode, now = self.mode, instruction.operation_mode_id, datetime.now(UTC)
        status = self._status(previous_operation_mode_id=str(previous), transition_timestamp=now)
        return [status, self._timer(now + timedelta(minutes=10))]

    def power_w(self) -> float:
        return 2000.0 if self.mode == self.ON else 0.0

    def _status(self, **transition: Any) -> Any:
        # In this one message the package wants the ids of modes as text.
        return ombc.OMBCStatus(
            message_id=uuid4(), active_operation_mode_id=str(self.mode), operation_mode_factor=0.0, **transition
        )

    def _timer(self, finished_at: datetime) -> Any:
        return ombc.OMBCTimerStatus(message_id=uuid4(), timer_id=self.MINIMUM_ON, finished_at=finished_at)


class Washer(Obedient, PPBCControlType):
    """One program of an hour, to be begun within the next five. Its reports stop at SCHEDULED.

    From EXECUTING on a report has to say the progress, which the package takes for an id and cannot send.
    """

    PROFILE, CONTAINER, SEQUENCE = uuid4(), uuid4(), uuid4()

    def menu(self) -> list[Any]:
        now = datetime.now(UTC)
        value = common.PowerForecastValue(value_expected=700.0, commodity_quantity=L1)
        hour = ppbc.PPBCPowerSequenceElement(
            duration=common.Duration.from_milliseconds(3_600_000), power_values=[value]
        )
        sequence = ppbc.PPBCPowerSequence(
            id=self.SEQUENCE, elements=[hour], is_interruptible=False, abnormal_condition_only=False
        )
        profile = ppbc.PPBCPowerProfileDefinition(
            message_id=uuid4(),
            id=self.PROFILE,
            start_time=now,
            end_time=now + timedelta(hours=6),
            power_sequences_containers=[ppbc.PPBCPowerSequenceContainer(id=self.CONTAINER, power_sequences=[sequence])],
        )
        return [profile, self.report("NOT_SCHEDULED")]

    def effect_of(self, instruction: Any) -> list[Any]:
        return [self.report("SCHEDULED", instruction.power_sequence_id)]

    def power_w(self) -> float:
        return 0.0

    def report(self, status: str, selected: UUID | None = None) -> Any:
        """The status of its one container."""
        container = ppbc.PPBCPowerSequenceContainerStatus(
            power_profile_id=self.PROFILE,
            sequence_container_id=self.CONTAINER,
            selected_sequence_id=selected,
            status=status,
        )
        return ppbc.PPBCPowerProfileStatus(message_id=uuid4(), sequence_container_status=[container])


def measurement(power_w: float) -> Any:
    values = [common.PowerValue(commodity_quantity=L1, value=power_w)]
    return common.PowerMeasurement(message_id=uuid4(), measurement_timestamp=datetime.now(UTC), values=values)


@dataclass(frozen=True)
class Peer:
    """The package's own connection and session, running."""

    connection: S2AsyncConnection
    running: asyncio.Task[None]

    @property
    def alive(self) -> bool:
        return not self.running.done()


@asynccontextmanager
async def connected(
    control_type: S2ControlType, role: common.RoleType, url: str, token: str | None = None
) -> AsyncIterator[Peer]:
    details = AssetDetails(
        resource_id=uuid4(),
        provides_forecast=False,
        provides_power_measurements=[L1],
        instruction_processing_delay=common.Duration.from_milliseconds(0),
        roles=[common.Role(role=role, commodity=common.Commodity.ELECTRICITY)],
        name="interoperability peer",
    )
    async with WebsocketClientMedium(url=url, bearer_token=token) as medium:
        connection = S2AsyncConnection(medium=medium)
        ResourceManagerHandler([control_type], details).register_handlers(connection)
        running = asyncio.create_task(connection.run())
        try:
            yield Peer(connection, running)
        finally:
            await connection.stop()
            with suppress(TimeoutError):
                await asyncio.wait_for(running, 10)


async def _tell(connection: S2AsyncConnection, messages: Iterable[Any]) -> None:
    """One after the other, each acknowledged; the package raises where one is not answered OK."""
    for message in messages:
        await connection.send_msg_and_await_reception_status(message)


def _update(instruction: Any, status: common.InstructionStatus) -> Any:
    return common.InstructionStatusUpdate(
        message_id=uuid4(), instruction_id=instruction.id, status_type=status, timestamp=datetime.now(UTC)
    )


def _up_to(power_w: float) -> Any:
    return common.PowerRange(start_of_range=0.0, end_of_range=power_w, commodity_quantity=L1)


def _always(power_w: float) -> Any:
    return common.PowerRange(start_of_range=power_w, end_of_range=power_w, commodity_quantity=L1)


def _both_ways(off: UUID, on: UUID, minimum_on: UUID | None = None) -> list[Any]:
    """The way on, which starts the timer if there is one, and the way back, which it blocks."""
    timers = [] if minimum_on is None else [minimum_on]
    ways: tuple[tuple[UUID, UUID, list[UUID], list[UUID]], ...] = ((off, on, timers, []), (on, off, [], timers))
    return [
        common.Transition(
            id=uuid4(),
            **{"from": start},
            to=end,
            start_timers=started,
            blocking_timers=blocking,
            abnormal_condition_only=False,
        )
        for start, end, started, blocking in ways
    ]
