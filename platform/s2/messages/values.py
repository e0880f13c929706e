"""Enumerations and components that more than one family of messages uses.

Powers are in W at the grid side, consumption positive and production negative; other quantities have the unit of their
`CommodityQuantity`. Rates are per second, durations in milliseconds, costs in the currency of ResourceManagerDetails.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from s2.messages.model import Duration, Flag, Id, Maybe, Number, Text, items, wire_object


class ControlType(StrEnum):
    """A way to offer flexibility. NOT_CONTROLABLE is the standard's spelling."""

    POWER_ENVELOPE_BASED_CONTROL = "POWER_ENVELOPE_BASED_CONTROL"
    POWER_PROFILE_BASED_CONTROL = "POWER_PROFILE_BASED_CONTROL"
    OPERATION_MODE_BASED_CONTROL = "OPERATION_MODE_BASED_CONTROL"
    FILL_RATE_BASED_CONTROL = "FILL_RATE_BASED_CONTROL"
    DEMAND_DRIVEN_BASED_CONTROL = "DEMAND_DRIVEN_BASED_CONTROL"
    NOT_CONTROLABLE = "NOT_CONTROLABLE"
    NO_SELECTION = "NO_SELECTION"


class Commodity(StrEnum):
    """What is consumed or produced."""

    GAS = "GAS"
    HEAT = "HEAT"
    ELECTRICITY = "ELECTRICITY"
    OIL = "OIL"


class CommodityQuantity(StrEnum):
    """A measurable quantity and, with it, its unit.

    Electric and thermal power in W (3_PHASE_SYMMETRIC is the total of three equal phases; a single phase is L1),
    natural gas and heat flow in l/s, hydrogen in g/s, temperature in degrees Celsius, oil in l/h.
    """

    ELECTRIC_POWER_L1 = "ELECTRIC.POWER.L1"
    ELECTRIC_POWER_L2 = "ELECTRIC.POWER.L2"
    ELECTRIC_POWER_L3 = "ELECTRIC.POWER.L3"
    ELECTRIC_POWER_3_PHASE_SYMMETRIC = "ELECTRIC.POWER.3_PHASE_SYMMETRIC"
    NATURAL_GAS_FLOW_RATE = "NATURAL_GAS.FLOW_RATE"
    HYDROGEN_FLOW_RATE = "HYDROGEN.FLOW_RATE"
    HEAT_TEMPERATURE = "HEAT.TEMPERATURE"
    HEAT_FLOW_RATE = "HEAT.FLOW_RATE"
    HEAT_THERMAL_POWER = "HEAT.THERMAL_POWER"
    OIL_FLOW_RATE = "OIL.FLOW_RATE"


class RoleType(StrEnum):
    """What a resource does with a commodity."""

    ENERGY_PRODUCER = "ENERGY_PRODUCER"
    ENERGY_CONSUMER = "ENERGY_CONSUMER"
    ENERGY_STORAGE = "ENERGY_STORAGE"


class EnergyManagementRole(StrEnum):
    """A side of the conversation."""

    CEM = "CEM"
    RM = "RM"


class ReceptionStatusValues(StrEnum):
    """The verdict on a received message; the last two are about the receiver, never about the message (R-04)."""

    OK = "OK"
    INVALID_DATA = "INVALID_DATA"
    INVALID_MESSAGE = "INVALID_MESSAGE"
    INVALID_CONTENT = "INVALID_CONTENT"
    TEMPORARY_ERROR = "TEMPORARY_ERROR"
    PERMANENT_ERROR = "PERMANENT_ERROR"


class InstructionStatus(StrEnum):
    """How far an instruction has come."""

    NEW = "NEW"
    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    REVOKED = "REVOKED"
    STARTED = "STARTED"
    SUCCEEDED = "SUCCEEDED"
    ABORTED = "ABORTED"


class SessionRequestType(StrEnum):
    """What is to become of the connection."""

    RECONNECT = "RECONNECT"
    TERMINATE = "TERMINATE"


class RevokableObjects(StrEnum):
    """What RevokeObject can take back: the thirteen types of the schema (the standard's prose lists four more)."""

    PEBC_POWER_CONSTRAINTS = "PEBC.PowerConstraints"
    PEBC_ENERGY_CONSTRAINT = "PEBC.EnergyConstraint"
    PEBC_INSTRUCTION = "PEBC.Instruction"
    PPBC_POWER_PROFILE_DEFINITION = "PPBC.PowerProfileDefinition"
    PPBC_SCHEDULE_INSTRUCTION = "PPBC.ScheduleInstruction"
    PPBC_START_INTERRUPTION_INSTRUCTION = "PPBC.StartInterruptionInstruction"
    PPBC_END_INTERRUPTION_INSTRUCTION = "PPBC.EndInterruptionInstruction"
    OMBC_SYSTEM_DESCRIPTION = "OMBC.SystemDescription"
    OMBC_INSTRUCTION = "OMBC.Instruction"
    FRBC_SYSTEM_DESCRIPTION = "FRBC.SystemDescription"
    FRBC_INSTRUCTION = "FRBC.Instruction"
    DDBC_SYSTEM_DESCRIPTION = "DDBC.SystemDescription"
    DDBC_INSTRUCTION = "DDBC.Instruction"


@wire_object
class Role:
    """What the resource does with one commodity."""

    role: RoleType
    commodity: Commodity


@wire_object
class NumberRange:
    """Two numbers; whether the first must be the smaller one depends on the place of use (R-17 to R-19)."""

    start_of_range: Number
    end_of_range: Number


@wire_object
class PowerRange:
    """The power at operation mode factor 0 (start) and 1 (end); it may run downwards (R-19)."""

    start_of_range: Number
    end_of_range: Number
    commodity_quantity: CommodityQuantity


@wire_object
class PowerValue:
    """One measured value, in the unit of its quantity."""

    commodity_quantity: CommodityQuantity
    value: Number


@wire_object
class PowerForecastValue:
    """An expected value with its probability bands; the limits are those of certainty."""

    value_upper_limit: Maybe[Number] = None
    value_upper_95PPR: Maybe[Number] = None
    value_upper_68PPR: Maybe[Number] = None
    value_expected: Number
    value_lower_68PPR: Maybe[Number] = None
    value_lower_95PPR: Maybe[Number] = None
    value_lower_limit: Maybe[Number] = None
    commodity_quantity: CommodityQuantity


@wire_object
class Transition:
    """A permitted change of operation mode; an absent duration is negligible. `from_` is "from" on the wire."""

    id: Id
    from_: Id = Field(validation_alias="from", serialization_alias="from")
    to: Id
    start_timers: Annotated[tuple[Id, ...], items(0, 1000)]
    blocking_timers: Annotated[tuple[Id, ...], items(0, 1000)]
    transition_costs: Maybe[Number] = None
    transition_duration: Maybe[Duration] = None
    abnormal_condition_only: Flag


@wire_object
class Timer:
    """Started by a transition; while it runs it blocks others."""

    id: Id
    diagnostic_label: Maybe[Text] = None
    duration: Duration
