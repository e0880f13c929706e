"""Operation Mode Based Control: the CEM chooses among operation modes without storage (heaters, generators)."""

from typing import Annotated, Literal

from s2.messages.model import Flag, Id, Maybe, Number, Text, Timestamp, items, wire_object
from s2.messages.values import NumberRange, PowerRange, Timer, Transition


@wire_object
class OMBCOperationMode:
    """A way to run; running costs are per second and not tied to the operation mode factor."""

    id: Id
    diagnostic_label: Maybe[Text] = None
    power_ranges: Annotated[tuple[PowerRange, ...], items(1, 10)]
    running_costs: Maybe[NumberRange] = None
    abnormal_condition_only: Flag


@wire_object
class OMBCSystemDescription:
    """RM to CEM: all modes, the transitions between them and the timers that block these."""

    message_type: Literal["OMBC.SystemDescription"] = "OMBC.SystemDescription"
    message_id: Id
    valid_from: Timestamp
    operation_modes: Annotated[tuple[OMBCOperationMode, ...], items(1, 100)]
    transitions: Annotated[tuple[Transition, ...], items(0, 1000)]
    timers: Annotated[tuple[Timer, ...], items(0, 1000)]


@wire_object
class OMBCStatus:
    """RM to CEM: the mode that is active now, and when and from where the transition to it began."""

    message_type: Literal["OMBC.Status"] = "OMBC.Status"
    message_id: Id
    active_operation_mode_id: Id
    operation_mode_factor: Number
    previous_operation_mode_id: Maybe[Id] = None
    transition_timestamp: Maybe[Timestamp] = None


@wire_object
class OMBCTimerStatus:
    """RM to CEM: when the timer is or was finished."""

    message_type: Literal["OMBC.TimerStatus"] = "OMBC.TimerStatus"
    message_id: Id
    timer_id: Id
    finished_at: Timestamp


@wire_object
class OMBCInstruction:
    """CEM to RM: run this mode at this factor from this time on."""

    message_type: Literal["OMBC.Instruction"] = "OMBC.Instruction"
    message_id: Id
    id: Id
    execution_time: Timestamp
    operation_mode_id: Id
    operation_mode_factor: Number
    abnormal_condition: Flag
