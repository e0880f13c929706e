"""s2-python, unmodified and over its own WebSocket, is an RM here: a peer whose authors never saw our code."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from s2python import common, frbc, pebc
from s2python.connection import AssetDetails
from s2python.connection.async_ import S2AsyncConnection
from s2python.connection.async_.control_type.class_based import (
    FRBCControlType,
    PEBCControlType,
    ResourceManagerHandler,
    S2ControlType,
)
from s2python.connection.async_.medium.websocket import WebsocketClientMedium

from tests.support.hub import Hub, eventually
from tests.support.registry import Household

L1 = common.CommodityQuantity.ELECTRIC_POWER_L1
DONE = (common.InstructionStatus.ACCEPTED, common.InstructionStatus.STARTED, common.InstructionStatus.SUCCEEDED)


class Obedient:
    """Acknowledges each instruction and reports it as done, the way the package's own example does."""

    def __init__(self) -> None:
        self.instructions: list[Any] = []

    async def handle_instruction(self, connection: S2AsyncConnection, msg: Any, send_okay: Any) -> None:
        await send_okay()
        self.instructions.append(msg)
        for status in DONE:
            await connection.send_msg_and_await_reception_status(
                common.InstructionStatusUpdate(
                    message_id=uuid4(), instruction_id=msg.id, status_type=status, timestamp=datetime.now(UTC)
                )
            )

    async def deactivate(self, connection: S2AsyncConnection) -> None:
        pass


class Battery(Obedient, FRBCControlType):
    """10 kWh in percent, 5 kW to charge, on or off."""

    ACTUATOR, CHARGE, IDLE = uuid4(), uuid4(), uuid4()

    async def activate(self, connection: S2AsyncConnection) -> None:
        status = frbc.FRBCActuatorStatus(
            message_id=uuid4(),
            actuator_id=self.ACTUATOR,
            active_operation_mode_id=self.IDLE,
            operation_mode_factor=0.0,
        )
        for message in (
            self._description(),
            status,
            frbc.FRBCStorageStatus(message_id=uuid4(), present_fill_level=40.0),
        ):
            await connection.send_msg_and_await_reception_status(message)

    def _description(self) -> Any:
        modes = [self._mode(self.IDLE, "idle", 0.0, 0.0), self._mode(self.CHARGE, "charge", 100 / 7200, 5000.0)]
        ways = [(self.IDLE, self.CHARGE), (self.CHARGE, self.IDLE)]
        return frbc.FRBCSystemDescription(
            message_id=uuid4(),
            valid_from=datetime.now(UTC) - timedelta(minutes=1),
            actuators=[
                frbc.FRBCActuatorDescription(
                    id=self.ACTUATOR,
                    supported_commodities=[common.Commodity.ELECTRICITY],
                    operation_modes=modes,
                    transitions=[
                        common.Transition(
                            id=uuid4(),
                            **{"from": start},
                            to=end,
                            start_timers=[],
                            blocking_timers=[],
                            abnormal_condition_only=False,
                        )
                        for start, end in ways
                    ],
                    timers=[],
                )
            ],
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
            power_ranges=[common.PowerRange(start_of_range=0.0, end_of_range=power_w, commodity_quantity=L1)],
        )
        return frbc.FRBCOperationMode(
            id=mode_id, diagnostic_label=label, elements=[element], abnormal_condition_only=False
        )


class Roof(Obedient, PEBCControlType):
    """Solar panels of 6 kW that can be curtailed."""

    CONSTRAINTS = uuid4()

    async def activate(self, connection: S2AsyncConnection) -> None:
        limits = pebc.PEBCPowerEnvelopeLimitType
        ranges = ((limits.LOWER_LIMIT, -6000.0), (limits.UPPER_LIMIT, 0.0))
        await connection.send_msg_and_await_reception_status(
            pebc.PEBCPowerConstraints(
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
                    for kind, start in ranges
                ],
            )
        )
        await connection.send_msg_and_await_reception_status(
            common.PowerMeasurement(
                message_id=uuid4(),
                measurement_timestamp=datetime.now(UTC),
                values=[common.PowerValue(commodity_quantity=L1, value=-2500.0)],
            )
        )


@asynccontextmanager
async def connected(control_type: S2ControlType, role: common.RoleType, url: str, token: str) -> AsyncIterator[None]:
    """The package's own connection and session, running; they must live on as long as we look."""
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
            yield
            assert not running.done(), "s2-python gave the connection up"
        finally:
            await connection.stop()
            with suppress(TimeoutError):
                await asyncio.wait_for(running, 10)


async def test_a_battery_by_s2_python_is_selected_instructed_and_heard(hub: Hub, household: Household) -> None:
    battery, link_id = Battery(), household.link.pk

    async with connected(battery, common.RoleType.ENERGY_STORAGE, hub.url(household.rm_node.pk), household.token):
        row, *_ = await eventually(lambda: hub.succeeded(link_id))
        (session,) = hub.sessions(link_id)

    assert row["message_type"] == "FRBC.Instruction"
    assert (session.profile, session.control_type) == ("0.0.2-beta", "FILL_RATE_BASED_CONTROL")
    assert str(battery.instructions[0].id) == str(row["id"])
    assert battery.instructions[0].actuator_id == Battery.ACTUATOR
    assert_nothing_was_refused(hub, link_id)


async def test_a_roof_by_s2_python_is_selected_instructed_and_heard(hub: Hub, household: Household) -> None:
    roof, link_id = Roof(), household.link.pk

    async with connected(roof, common.RoleType.ENERGY_PRODUCER, hub.url(household.rm_node.pk), household.token):
        row, *_ = await eventually(lambda: hub.succeeded(link_id))
        (session,) = hub.sessions(link_id)

    assert row["message_type"] == "PEBC.Instruction"
    assert (session.profile, session.control_type) == ("0.0.2-beta", "POWER_ENVELOPE_BASED_CONTROL")
    assert str(roof.instructions[0].id) == str(row["id"])
    assert roof.instructions[0].power_constraints_id == Roof.CONSTRAINTS
    assert_nothing_was_refused(hub, link_id)


def assert_nothing_was_refused(hub: Hub, link_id: UUID) -> None:
    conversation = hub.bus.conversation(link_id)
    assert len(conversation) >= 8
    assert {entry.status for entry in conversation if entry.direction == "received"} == {"OK"}
    assert [entry for entry in conversation if entry.findings] == []
