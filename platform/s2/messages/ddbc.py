"""Demand Driven Based Control: actuators that must meet a demand and differ in how (hybrid heat pumps).

Two fields have odd names on the wire, kept there verbatim (R-144) and set right in Python: "Id" of the operation mode
is `id`, "supported_commodites" of the actuator is `supported_commodities`.
"""

from typing import Annotated, Literal

from pydantic import Field

from s2.messages.model import Duration, Flag, Id, Maybe, Number, Text, Timestamp, items, wire_object
from s2.messages.values import Commodity, NumberRange, PowerRange, Timer, Transition


@wire_object
class DDBCOperationMode:
    """A way to run; powers and supply go with the operation mode factor, running costs (per second) do not."""

    id: Id = Field(validation_alias="Id", serialization_alias="Id")
    diagnostic_label: Maybe[Text] = None
    power_ranges: Annotated[tuple[PowerRange, ...], items(1, 10)]
    supply_range: NumberRange
    running_costs: Maybe[NumberRange] = None
    abnormal_condition_only: Flag


@wire_object
class DDBCActuatorDescription:
    """One actuator: its modes, the transitions between them and the timers that block these."""

    id: Id
    diagnostic_label: Maybe[Text] = None
    supported_commodities: Annotated[tuple[Commodity, ...], items(1, 4)] = Field(
        validation_alias="supported_commodites", serialization_alias="supported_commodites"
    )
    operation_modes: Annotated[tuple[DDBCOperationMode, ...], items(1, 100)]
    transitions: Annotated[tuple[Transition, ...], items(0, 1000)]
    timers: Annotated[tuple[Timer, ...], items(0, 1000)]


@wire_object
class DDBCSystemDescription:
    """RM to CEM: all actuators. `present_demand_rate` is required in 0.0.2-beta and unknown to 1.0.0 (R-16)."""

    message_type: Literal["DDBC.SystemDescription"] = "DDBC.SystemDescription"
    message_id: Id
    valid_from: Timestamp
    actuators: Annotated[tuple[DDBCActuatorDescription, ...], items(1, 10)]
    present_demand_rate: Maybe[NumberRange] = None
    provides_average_demand_rate_forecast: Flag


@wire_object
class DDBCPresentDemandStatus:
    """RM to CEM: the demand rate that must be met now; unknown to 0.0.2-beta (R-16)."""

    message_type: Literal["DDBC.PresentDemandStatus"] = "DDBC.PresentDemandStatus"
    message_id: Id
    present_demand_rate: NumberRange


@wire_object
class DDBCActuatorStatus:
    """RM to CEM: the mode that is active now, and when and from where the transition to it began."""

    message_type: Literal["DDBC.ActuatorStatus"] = "DDBC.ActuatorStatus"
    message_id: Id
    actuator_id: Id
    active_operation_mode_id: Id
    operation_mode_factor: Number
    previous_operation_mode_id: Maybe[Id] = None
    transition_timestamp: Maybe[Timestamp] = None


@wire_object
class DDBCTimerStatus:
    """RM to CEM: when the timer is or was finished."""

    message_type: Literal["DDBC.TimerStatus"] = "DDBC.TimerStatus"
    message_id: Id
    timer_id: Id
    actuator_id: Id
    finished_at: Timestamp


@wire_object
class DDBCAverageDemandRateForecastElement:
    """The expected demand rate of one stretch of time, in ms, with its probability bands."""

    duration: Duration
    demand_rate_upper_limit: Maybe[Number] = None
    demand_rate_upper_95PPR: Maybe[Number] = None
    demand_rate_upper_68PPR: Maybe[Number] = None
    demand_rate_expected: Number
    demand_rate_lower_68PPR: Maybe[Number] = None
    demand_rate_lower_95PPR: Maybe[Number] = None
    demand_rate_lower_limit: Maybe[Number] = None


@wire_object
class DDBCAverageDemandRateForecast:
    """RM to CEM: the demand to come; the elements follow one another from `start_time` on."""

    message_type: Literal["DDBC.AverageDemandRateForecast"] = "DDBC.AverageDemandRateForecast"
    message_id: Id
    start_time: Timestamp
    elements: Annotated[tuple[DDBCAverageDemandRateForecastElement, ...], items(1, 288)]


@wire_object
class DDBCInstruction:
    """CEM to RM: run this mode at this factor from this time on."""

    message_type: Literal["DDBC.Instruction"] = "DDBC.Instruction"
    message_id: Id
    id: Id
    execution_time: Timestamp
    abnormal_condition: Flag
    actuator_id: Id
    operation_mode_id: Id
    operation_mode_factor: Number
