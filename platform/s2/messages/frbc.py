"""Fill Rate Based Control: actuators that fill and empty a storage (batteries, vehicles, heat buffers).

The unit of a fill level is free text in `FRBCStorageDescription.fill_level_label`; rates are in that unit per second.
Usage and leakage are positive when the level falls.
"""

from typing import Annotated, Literal

from s2.messages.model import Duration, Flag, Id, Maybe, Number, Text, Timestamp, items, wire_object
from s2.messages.values import Commodity, NumberRange, PowerRange, Timer, Transition


@wire_object
class FRBCOperationModeElement:
    """What a mode does within a range of fill levels; rate and powers go with the operation mode factor."""

    fill_level_range: NumberRange
    fill_rate: NumberRange
    power_ranges: Annotated[tuple[PowerRange, ...], items(1, 10)]
    running_costs: Maybe[NumberRange] = None


@wire_object
class FRBCOperationMode:
    """A way to run; the fill level ranges of its elements are contiguous."""

    id: Id
    diagnostic_label: Maybe[Text] = None
    elements: Annotated[tuple[FRBCOperationModeElement, ...], items(1, 100)]
    abnormal_condition_only: Flag


@wire_object
class FRBCActuatorDescription:
    """One actuator: its modes, the transitions between them and the timers that block these."""

    id: Id
    diagnostic_label: Maybe[Text] = None
    supported_commodities: Annotated[tuple[Commodity, ...], items(1, 4)]
    operation_modes: Annotated[tuple[FRBCOperationMode, ...], items(1, 100)]
    transitions: Annotated[tuple[Transition, ...], items(0, 1000)]
    timers: Annotated[tuple[Timer, ...], items(0, 1000)]


@wire_object
class FRBCStorageDescription:
    """The storage: what the RM publishes about it, and the range its level should stay in."""

    diagnostic_label: Maybe[Text] = None
    fill_level_label: Maybe[Text] = None
    provides_leakage_behaviour: Flag
    provides_fill_level_target_profile: Flag
    provides_usage_forecast: Flag
    fill_level_range: NumberRange


@wire_object
class FRBCSystemDescription:
    """RM to CEM: the storage and all actuators that work on it."""

    message_type: Literal["FRBC.SystemDescription"] = "FRBC.SystemDescription"
    message_id: Id
    valid_from: Timestamp
    actuators: Annotated[tuple[FRBCActuatorDescription, ...], items(1, 10)]
    storage: FRBCStorageDescription


@wire_object
class FRBCStorageStatus:
    """RM to CEM: the fill level now."""

    message_type: Literal["FRBC.StorageStatus"] = "FRBC.StorageStatus"
    message_id: Id
    present_fill_level: Number


@wire_object
class FRBCActuatorStatus:
    """RM to CEM: the mode that is active now, and when and from where the transition to it began."""

    message_type: Literal["FRBC.ActuatorStatus"] = "FRBC.ActuatorStatus"
    message_id: Id
    actuator_id: Id
    active_operation_mode_id: Id
    operation_mode_factor: Number
    previous_operation_mode_id: Maybe[Id] = None
    transition_timestamp: Maybe[Timestamp] = None


@wire_object
class FRBCTimerStatus:
    """RM to CEM: when the timer is or was finished."""

    message_type: Literal["FRBC.TimerStatus"] = "FRBC.TimerStatus"
    message_id: Id
    timer_id: Id
    actuator_id: Id
    finished_at: Timestamp


@wire_object
class FRBCLeakageBehaviourElement:
    """How fast the level falls by itself within a range of fill levels."""

    fill_level_range: NumberRange
    leakage_rate: Number


@wire_object
class FRBCLeakageBehaviour:
    """RM to CEM: leakage over the whole range of fill levels."""

    message_type: Literal["FRBC.LeakageBehaviour"] = "FRBC.LeakageBehaviour"
    message_id: Id
    valid_from: Timestamp
    elements: Annotated[tuple[FRBCLeakageBehaviourElement, ...], items(1, 288)]


@wire_object
class FRBCUsageForecastElement:
    """The expected usage rate of one stretch of time, in ms, with its probability bands."""

    duration: Duration
    usage_rate_upper_limit: Maybe[Number] = None
    usage_rate_upper_95PPR: Maybe[Number] = None
    usage_rate_upper_68PPR: Maybe[Number] = None
    usage_rate_expected: Number
    usage_rate_lower_68PPR: Maybe[Number] = None
    usage_rate_lower_95PPR: Maybe[Number] = None
    usage_rate_lower_limit: Maybe[Number] = None


@wire_object
class FRBCUsageForecast:
    """RM to CEM: what will be drawn from the storage; the elements follow one another from `start_time` on."""

    message_type: Literal["FRBC.UsageForecast"] = "FRBC.UsageForecast"
    message_id: Id
    start_time: Timestamp
    elements: Annotated[tuple[FRBCUsageForecastElement, ...], items(1, 288)]


@wire_object
class FRBCFillLevelTargetProfileElement:
    """The range that the level should be in during one stretch of time, in ms."""

    duration: Duration
    fill_level_range: NumberRange


@wire_object
class FRBCFillLevelTargetProfile:
    """RM to CEM: where the level should be, and when; the elements follow one another from `start_time` on."""

    message_type: Literal["FRBC.FillLevelTargetProfile"] = "FRBC.FillLevelTargetProfile"
    message_id: Id
    start_time: Timestamp
    elements: Annotated[tuple[FRBCFillLevelTargetProfileElement, ...], items(1, 288)]


@wire_object
class FRBCInstruction:
    """CEM to RM: run this mode at this factor from this time on. `operation_mode` is an id, as the wire has it."""

    message_type: Literal["FRBC.Instruction"] = "FRBC.Instruction"
    message_id: Id
    id: Id
    actuator_id: Id
    operation_mode: Id
    operation_mode_factor: Number
    execution_time: Timestamp
    abnormal_condition: Flag
